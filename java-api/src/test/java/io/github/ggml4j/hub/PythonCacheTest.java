package io.github.ggml4j.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.ggml4j.hub.HubException.Reason;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A cache as Python's huggingface_hub 2.4 leaves it after {@code snapshot_download} and a {@code
 * hf_hub_download} of a file that is not there; {@code interop/hub_cases.py} has the real one.
 */
class PythonCacheTest {
  private static final String COMMIT = FakeHub.COMMIT;
  private static final String BLOB = "9e26dfeeb6e641a33dae4961196235bdb965b21b";
  private static final String TREE =
      """
      {
       "format_version": 1,
       "files": {
        "config.json": {
         "size": 2,
         "blob_id": "9e26dfeeb6e641a33dae4961196235bdb965b21b"
        },
        "data/d\\u00e4ta.txt": {
         "size": 2,
         "blob_id": "9e26dfeeb6e641a33dae4961196235bdb965b21b"
        }
       }
      }\
      """;

  @TempDir Path cache;
  private Path repo = Path.of("");

  @BeforeEach
  void asPythonLeavesIt() throws IOException {
    repo = cache.resolve("models--org--name");
    write("blobs/" + BLOB, "{}");
    write("refs/main", COMMIT);
    write("refs/refs/pr/1", COMMIT);
    write(".no_exist/" + COMMIT + "/added_tokens.json", "");
    write("trees/" + COMMIT + ".json", TREE);
    var snapshot = Files.createDirectories(repo.resolve("snapshots/" + COMMIT + "/data"));
    Files.createSymbolicLink(snapshot.resolve("däta.txt"), Path.of("../../../blobs/" + BLOB));
    Files.createSymbolicLink(
        snapshot.resolveSibling("config.json"), Path.of("../../blobs/" + BLOB));
    Files.createDirectories(cache.resolve(".locks/models--org--name"));
  }

  private void write(String path, String text) throws IOException {
    Files.createDirectories(Objects.requireNonNull(repo.resolve(path).getParent()));
    Files.writeString(repo.resolve(path), text);
  }

  private HubRepo offline() {
    return Hub.builder(new HubEnvironment(Map.of("HF_HUB_OFFLINE", "1"), cache))
        .cache(cache)
        .build()
        .model("org/name");
  }

  @Test
  void isReadOffline() {
    assertThat(offline().commit()).isEqualTo(COMMIT);
    assertThat(offline().file("config.json")).hasContent("{}");
    assertThat(offline().revision("refs/pr/1").file("data/däta.txt")).hasContent("{}");
    assertThat(offline().revision(COMMIT).download())
        .isEqualTo(repo.resolve("snapshots/" + COMMIT));
    assertThat(offline().list())
        .containsExactly(
            new HubEntry("config.json", 2, BLOB), new HubEntry("data/däta.txt", 2, BLOB));
    try (var file = offline().open("data/däta.txt")) {
      assertThat(file.size()).isEqualTo(2);
    }
  }

  @Test
  void missingFilesAreKnown() {
    assertThatThrownBy(() -> offline().file("added_tokens.json"))
        .extracting(e -> ((HubException) e).reason())
        .isEqualTo(Reason.ENTRY_NOT_FOUND);
    assertThatThrownBy(() -> offline().file("other.json"))
        .extracting(e -> ((HubException) e).reason())
        .isEqualTo(Reason.OFFLINE);
    assertThatThrownBy(() -> offline().revision("v2").commit())
        .hasMessageContaining("at v2 is not in the cache");
  }

  @Test
  void isMadeTheSameWay() throws IOException {
    try (var server = new FakeHub().file("config.json", "{}").file("data/däta.txt", "{}")) {
      var mine = cache.resolve("mine");
      var name = server.client(mine).build().model("org/name");
      name.download();
      assertThatThrownBy(() -> name.file("added_tokens.json")).isInstanceOf(HubException.class);
      var made = mine.resolve("models--org--name");
      for (String path : new String[] {"blobs/" + BLOB, "refs/main", "trees/" + COMMIT + ".json"}) {
        assertThat(made.resolve(path)).hasSameTextualContentAs(repo.resolve(path));
      }
      assertThat(made.resolve(".no_exist/" + COMMIT + "/added_tokens.json")).isEmptyFile();
      var link = "snapshots/" + COMMIT + "/data/däta.txt";
      assertThat(Files.readSymbolicLink(made.resolve(link)))
          .isEqualTo(Files.readSymbolicLink(repo.resolve(link)));
    }
  }

  @Test
  void damageIsNoHarm() throws IOException {
    write("refs/main", "../../../etc");
    assertThatThrownBy(() -> offline().commit())
        .extracting(e -> ((HubException) e).reason())
        .isEqualTo(Reason.OFFLINE);
    write("refs/main", COMMIT);
    for (String tree : new String[] {"", "[]", "{\"format_version\": 2}", TREE.substring(9)}) {
      write("trees/" + COMMIT + ".json", tree);
      assertThat(offline().list()).hasSize(2);
    }
  }
}
