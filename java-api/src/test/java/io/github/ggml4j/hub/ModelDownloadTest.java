package io.github.ggml4j.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.ggml4j.format.Goldens;
import io.github.ggml4j.hub.HubException.Reason;
import io.github.ggml4j.io.ModelFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Models are downloaded with what they need, and opened by name. */
class ModelDownloadTest {
  @TempDir Path cache;
  private final FakeHub server = new FakeHub();

  @AfterEach
  void stop() {
    server.close();
  }

  private HubRepo repo() {
    return server.client(cache).build().model("org/name");
  }

  private static List<String> names(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.map(f -> f.getFileName().toString()).sorted().toList();
    }
  }

  private void serveModel() throws IOException {
    try (Stream<Path> files = Files.list(Goldens.path("f32"))) {
      for (Path file : (Iterable<Path>) files::iterator) {
        server.large(file.getFileName().toString(), Files.readAllBytes(file));
      }
    }
    server.file("README.md", "x").file("onnx/model.onnx", "x").file("tf_model.h5", "x");
    server.file("pytorch_model.bin", "x").file("tokenizer.json", "{}");
  }

  @Test
  void onlyWhatAModelNeedsIsDownloaded() throws IOException {
    serveModel();
    List<TransferProgress> progress = Collections.synchronizedList(new ArrayList<>());
    var folder =
        server.client(cache).progress(progress::add).build().model("org/name").downloadModel();
    assertThat(names(folder)).containsExactly("config.json", "model.safetensors", "tokenizer.json");
    assertThat(progress.getLast().bytes()).isEqualTo(progress.getLast().size()).isPositive();
    assertThat(progress.getLast().filesDone()).isEqualTo(3).isEqualTo(progress.getLast().files());
    assertThat(repo().downloadModel()).isEqualTo(folder);
    assertThat(server.count("GET", "/store/")).isEqualTo(2);
    assertThat(server.count("GET", "/tree/")).isOne();
  }

  @Test
  void modelsAreOpenedByName() throws IOException {
    serveModel();
    try (var files = ModelFiles.open("org/name", () -> server.client(cache).build(), "main")) {
      assertThat(files.config().nLayer()).isPositive();
    }
    server.close();
    var offline = server.client(cache).offline(true).build();
    try (var files = ModelFiles.open("org/name", () -> offline, "main")) {
      assertThat(files.weights().names()).isNotEmpty();
    }
  }

  @Test
  void aConfigurationAndATokenizerComeWithoutWeights() throws IOException {
    serveModel();
    var hub = server.client(cache).build();
    assertThat(ModelFiles.readConfig("org/name", () -> hub, "main").nLayer()).isPositive();
    assertThat(server.requests)
        .extracting(FakeHub.Request::path)
        .noneMatch(p -> p.contains("tree"));
    assertThatThrownBy(() -> ModelFiles.readTokenizer("org/name", () -> hub, "main"))
        .hasMessageContaining("tokenizer.json"); // which is {}
    assertThat(names(cache.resolve("models--org--name/snapshots/" + FakeHub.COMMIT)))
        .containsExactly("config.json", "tokenizer.json");
    server.close();
    var offline = server.client(cache).offline(true).build();
    assertThat(ModelFiles.readConfig("org/name", () -> offline, "main").nLayer()).isPositive();
  }

  /** The errors after which Python's client takes the last download. */
  @ParameterizedTest
  @CsvSource({
    "401, RepoNotFound, true",
    "401, '', true",
    "403, GatedRepo, true",
    "403, '', true",
    "404, RepoNotFound, true",
    "404, RevisionNotFound, false",
    "404, EntryNotFound, false",
    "429, '', true",
    "500, '', true",
    "407, '', false"
  })
  void afterErrorsOfAccessTheCacheIsUsed(int status, String code, boolean used) throws IOException {
    serveModel();
    var folder = repo().downloadModel();
    var file = repo().file("README.md");
    // Where the commit is asked for, where its files are listed, and where one is looked for
    for (String place : List.of("/revision/", "/tree/", "/resolve/")) {
      server.faults.clear();
      server.failNext(100, place, status, "X-Error-Code", code);
      server.commit = FakeHub.COMMIT.replace('1', '2'); // The last download is of another
      if (!place.equals("/resolve/")) {
        check(() -> repo().downloadModel(), used ? folder : null);
        check(() -> repo().download("*.json", "model.safetensors"), used ? folder : null);
      }
      if (!place.equals("/tree/")) {
        check(() -> repo().file("README.md"), used ? file : null);
        assertThatThrownBy(() -> repo().file("tf_model.h5")).isInstanceOf(HubException.class);
      }
    }
  }

  private static void check(Supplier<Path> download, @Nullable Path expected) {
    if (expected == null) {
      assertThatThrownBy(download::get).isInstanceOf(HubException.class);
    } else {
      assertThat(download.get()).isEqualTo(expected);
    }
  }

  @Test
  void whatTheCacheLacksIsTheServersError() throws IOException {
    serveModel();
    repo().file("config.json");
    server.failNext(100, "/", 401, "X-Error-Code", "RepoNotFound");
    assertThatThrownBy(() -> repo().file("model.safetensors"))
        .hasMessageContaining("model.safetensors of org/name is not in the cache")
        .hasMessageContaining("HF_TOKEN")
        .extracting(e -> ((HubException) e).reason())
        .isEqualTo(Reason.REPO_NOT_FOUND);
  }

  @Test
  void shardsAreThoseOfTheIndex() throws IOException {
    server
        .file("config.json", "{}")
        .file(
            "pytorch_model.bin.index.json",
            "{\"weight_map\": {\"a\": \"part-1.bin\", \"b\": \"part-2.bin\"}}")
        .file("part-1.bin", "1")
        .file("part-2.bin", "2")
        .file("part-3.bin", "3");
    assertThat(names(repo().downloadModel()))
        .containsExactly("config.json", "part-1.bin", "part-2.bin", "pytorch_model.bin.index.json");
    server.files.remove("part-2.bin");
    server.commit = FakeHub.COMMIT.replace('1', '2');
    assertThatThrownBy(() -> repo().downloadModel())
        .isInstanceOf(HubException.class)
        .hasMessageContaining("part-2.bin");
  }

  @Test
  void aSingleGgufIsTheModel() {
    server.file("model.gguf", "x").file("README.md", "x");
    assertThat(repo().downloadModel()).hasFileName("model.gguf").hasContent("x");
    server.file("other.gguf", "x");
    server.commit = FakeHub.COMMIT.replace('1', '2');
    assertThatThrownBy(() -> repo().downloadModel())
        .hasMessageContaining("org/name/model.gguf")
        .hasMessageContaining("other.gguf");
  }

  @Test
  void patternsChooseFiles() throws IOException {
    serveModel();
    assertThat(names(repo().download("*.json", "onnx/")))
        .containsExactly("config.json", "onnx", "tokenizer.json");
    assertThatThrownBy(() -> repo().download("*.nothing"))
        .extracting(e -> ((HubException) e).reason())
        .isEqualTo(Reason.ENTRY_NOT_FOUND);
  }

  @Test
  void aServerThatIsDownLeavesTheCache() throws IOException {
    serveModel();
    var folder = repo().downloadModel();
    server.failNext(100, "/", 503);
    assertThat(repo().downloadModel()).isEqualTo(folder);
    assertThat(server.client(cache).offline(true).build().model("org/name").downloadModel())
        .isEqualTo(folder);
  }

  @Test
  void anUnfinishedModelIsNoModel() throws IOException {
    serveModel();
    repo().file("config.json");
    var offline = server.client(cache).offline(true).build().model("org/name");
    assertThatThrownBy(offline::downloadModel)
        .extracting(e -> ((HubException) e).reason())
        .isEqualTo(Reason.OFFLINE);
    assertThatThrownBy(() -> offline.file("model.safetensors"))
        .hasMessageContaining("model.safetensors")
        .hasMessageContaining("HF_HUB_OFFLINE");
  }

  @Test
  void aNewCommitSharesContents() throws IOException {
    serveModel();
    repo().downloadModel();
    server.commit = FakeHub.COMMIT.replace('1', '2');
    server.file("tokenizer.json", "{ }");
    long before = server.count("GET", "/store/");
    assertThat(repo().downloadModel().resolve("tokenizer.json")).hasContent("{ }");
    assertThat(server.count("GET", "/store/")).isEqualTo(before);
    assertThat(repo().revision(FakeHub.COMMIT).file("tokenizer.json")).hasContent("{}");
  }
}
