package io.github.ggml4j.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.ggml4j.hub.HubException.Reason;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Listing, reading and downloading single files from a server that speaks the protocol. */
class HubRepoTest {
  private static final byte[] LARGE = bytes(1_000_000);

  @TempDir Path cache;
  private final FakeHub server =
      new FakeHub()
          .file("config.json", "{\"a\": 1}")
          .file("data/täst file.txt", "text")
          .file("data/empty", "")
          .large("data/model.bin", LARGE);

  @AfterEach
  void stop() {
    server.close();
  }

  private static byte[] bytes(int count) {
    byte[] bytes = new byte[count];
    new Random(1).nextBytes(bytes);
    return bytes;
  }

  private HubRepo repo() {
    return server.client(cache).token(FakeHub.TOKEN).build().model("org/name");
  }

  @Test
  void listsPageByPage() {
    server.pageSize = 2;
    assertThat(repo().list("data").stream().map(HubEntry::path))
        .containsExactly("data/empty", "data/model.bin", "data/täst file.txt");
    assertThat(repo().list().stream().map(HubEntry::size)).containsExactly(8L, 0L, 1_000_000L, 4L);
    assertThat(repo().list("data").get(1).oid()).hasSize(64);
  }

  @Test
  void downloadsOnceAndLinks() throws IOException {
    var file = repo().file("data/model.bin");
    assertThat(file).hasBinaryContent(LARGE).isSymbolicLink();
    assertThat(Files.readSymbolicLink(file).isAbsolute()).isFalse();
    assertThat(file)
        .isEqualTo(
            cache.resolve("models--org--name/snapshots/" + FakeHub.COMMIT + "/data/model.bin"));
    assertThat(repo().file("data/model.bin")).isEqualTo(file);
    assertThat(server.count("GET", "/store/")).isOne();
    assertThat(repo().file("data/täst file.txt")).hasContent("text");
    assertThat(repo().file("data/empty")).isEmptyFile();
    assertThat(cache.resolve("models--org--name/refs/main")).hasContent(FakeHub.COMMIT);
  }

  @Test
  void tokenStaysWithTheHub() {
    repo().file("data/model.bin");
    assertThat(server.requests)
        .filteredOn(r -> r.host().startsWith("127.0.0.1"))
        .isNotEmpty()
        .allMatch(FakeHub.Request::authorized);
    assertThat(server.requests)
        .filteredOn(r -> r.host().startsWith("localhost"))
        .isNotEmpty()
        .noneMatch(FakeHub.Request::authorized);
    assertThat(server.client(cache).token(FakeHub.TOKEN).build().toString())
        .doesNotContain(FakeHub.TOKEN);
  }

  @Test
  void resumesWhereTheConnectionBroke() {
    server.breakStorage(3, 100_000);
    assertThat(repo().file("data/model.bin")).hasBinaryContent(LARGE);
    assertThat(server.requests)
        .filteredOn(r -> r.path().startsWith("/store/"))
        .hasSize(4)
        .last()
        .extracting(FakeHub.Request::range)
        .asString()
        .startsWith("bytes=");
  }

  @Test
  void readsParts() throws IOException {
    try (var file = repo().open("data/model.bin")) {
      assertThat(file.size()).isEqualTo(LARGE.length);
      var buffer = ByteBuffer.allocate(1000);
      assertThat(file.read(500_000, buffer)).isEqualTo(1000);
      assertThat(buffer.array()).isEqualTo(java.util.Arrays.copyOfRange(LARGE, 500_000, 501_000));
      assertThat(file.read(LARGE.length - 10, buffer.clear())).isEqualTo(10);
      assertThat(file.read(LARGE.length, buffer.clear())).isEqualTo(-1);
    }
  }

  @Test
  void missingFilesAreNamed() {
    assertThatThrownBy(() -> repo().file("nothing.txt"))
        .isInstanceOf(HubException.class)
        .hasMessageContaining("nothing.txt")
        .extracting(e -> ((HubException) e).reason())
        .isEqualTo(Reason.ENTRY_NOT_FOUND);
    assertThat(cache.resolve("models--org--name/.no_exist/" + FakeHub.COMMIT + "/nothing.txt"))
        .exists();
  }
}
