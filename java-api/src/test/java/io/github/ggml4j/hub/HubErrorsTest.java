package io.github.ggml4j.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.github.ggml4j.hub.HubException.Reason;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CancellationException;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What goes wrong is told with cause and remedy, and what can be tried again is. */
class HubErrorsTest {
  @TempDir Path cache;
  private final FakeHub server =
      new FakeHub().file("config.json", "{}").large("data.bin", new byte[300_000]);

  @AfterEach
  void stop() {
    server.close();
  }

  private HubRepo repo() {
    return server.client(cache).token(FakeHub.TOKEN).build().model("org/name");
  }

  private static HubException fails(Runnable call, Reason reason, String... said) {
    var failure = catchThrowableOfType(HubException.class, call::run);
    assertThat(failure).isNotNull();
    assertThat(failure.reason()).isEqualTo(reason);
    assertThat(failure).hasMessageContainingAll(said);
    assertThat(failure.getMessage()).doesNotContain("\n").doesNotContain(FakeHub.TOKEN);
    return failure;
  }

  @Test
  void unknownNames() {
    var hub = server.client(cache).build();
    fails(() -> hub.model("org/other").commit(), Reason.REPO_NOT_FOUND, "org/other", "HF_TOKEN");
    fails(() -> repo().revision("v9").commit(), Reason.REVISION_NOT_FOUND, "v9");
    fails(() -> repo().file("none"), Reason.ENTRY_NOT_FOUND, "none");
    fails(() -> repo().list("none"), Reason.ENTRY_NOT_FOUND, "none");
  }

  @Test
  void closedDoors() {
    server.gated = true;
    fails(() -> repo().file("data.bin"), Reason.GATED, server.endpoint() + "/org/name");
    server.needsToken = true;
    var other = server.client(cache).token("wrong").build().model("org/name");
    fails(other::commit, Reason.REPO_NOT_FOUND, "token");
    server.failNext(1, "/revision/", 401, "X-Error-Message", "Invalid credentials in header");
    fails(() -> repo().commit(), Reason.UNAUTHORIZED, "does not accept", "expired");
    server.failNext(1, "/revision/", 403, "X-Error-Message", "No rights");
    fails(() -> repo().commit(), Reason.UNAUTHORIZED, "No rights");
  }

  @Test
  void busyServersAreAskedAgain() {
    server.failNext(2, "/revision/", 429, "Retry-After", "0");
    server.failNext(2, "/resolve/", 503);
    server.failNext(2, "/store/", 500, "Retry-After", "Tue, 24 Nov 2020 12:00:00 GMT");
    assertThat(repo().file("data.bin")).hasSize(300_000);
  }

  @Test
  void aServerThatAsksForTooMuchPatienceIsGivenUp() {
    server.failNext(1, "/revision/", 429, "Retry-After", "86400");
    fails(() -> repo().commit(), Reason.RATE_LIMITED, "Try again later");
    server.failNext(9, "/revision/", 500);
    fails(() -> repo().commit(), Reason.SERVER, "500");
    assertThat(server.count("GET", "/revision/")).isEqualTo(1 + 6);
  }

  @Test
  void aServerThatIsNotThere() {
    server.close();
    var failure = fails(() -> repo().commit(), Reason.UNREACHABLE, "127.0.0.1", "HF_HUB_OFFLINE");
    assertThat(failure).hasMessageContaining("cannot be reached").hasMessageContaining("(3 att");
  }

  @Test
  void aServerThatWasThereIsWaitedForLonger() {
    var repo = server.client(cache).retries(4).build().model("org/name");
    repo.commit();
    server.close();
    var failure = fails(repo::list, Reason.UNREACHABLE, "cannot be reached");
    assertThat(failure).hasMessageContaining("(5 attempts)");
  }

  @Test
  void aServerThatFallsSilent() {
    server.faults.add((exchange, path) -> {
      exchange.sendResponseHeaders(200, 1000);
      exchange.getResponseBody().write('[');
      exchange.getResponseBody().flush();
      return true;
    });
    var hub = server.client(cache).retries(0).timeout(Duration.ofMillis(200)).build();
    fails(() -> hub.model("org/name").commit(), Reason.UNREACHABLE, "no data received");
  }

  @Test
  void damagedFilesAreNotKept() throws IOException {
    server.faults.add((exchange, path) -> {
      if (!path.startsWith("/store/")) {
        return false;
      }
      byte[] wrong = new byte[300_000];
      wrong[1] = 1;
      FakeHub.send(exchange, wrong);
      return true;
    });
    fails(() -> repo().file("data.bin"), Reason.CHECKSUM, "data.bin", "checksum");
    try (Stream<Path> blobs = Files.list(cache.resolve("models--org--name/blobs"))) {
      assertThat(blobs).isEmpty();
    }
  }

  @Test
  void whatBrokeOffIsGoneOnWithLater() throws IOException {
    server.breakStorage(1, 100_000);
    var once = server.client(cache).retries(0).build().model("org/name");
    fails(() -> once.file("data.bin"), Reason.UNREACHABLE, "data.bin");
    assertThat(repo().file("data.bin")).hasSize(300_000);
    assertThat(server.requests.getLast().range()).startsWith("bytes=").isNotEqualTo("bytes=0-");
    try (Stream<Path> blobs = Files.list(cache.resolve("models--org--name/blobs"))) {
      assertThat(blobs).hasSize(1);
    }
  }

  @Test
  void aDamagedRestIsThrownAway() throws IOException {
    var blobs = Files.createDirectories(cache.resolve("models--org--name/blobs"));
    var etag = Objects.requireNonNull(server.files.get("data.bin")).etag();
    Files.writeString(blobs.resolve(etag + ".ggml4j-00000000.incomplete"), "garbage");
    assertThat(repo().file("data.bin")).hasBinaryContent(new byte[300_000]);
  }

  @Test
  void aServerThatIgnoresRangesStartsOver() throws IOException {
    server.breakStorage(1, 100_000);
    server.faults.add((exchange, path) -> {
      if (!path.startsWith("/store/") && !path.endsWith("config.json")) {
        return false;
      }
      boolean head = exchange.getRequestMethod().equals("HEAD");
      byte[] bytes = path.endsWith("config.json") ? new byte[] {'{', '}'} : new byte[300_000];
      if (head) {
        return false;
      }
      exchange.sendResponseHeaders(200, bytes.length);
      exchange.getResponseBody().write(bytes);
      exchange.close();
      return true;
    });
    assertThat(repo().file("data.bin")).hasSize(300_000);
    try (var file = server.client(cache).build().model("org/name").open("config.json")) {
      var buffer = ByteBuffer.allocate(10);
      assertThat(file.read(1, buffer)).isEqualTo(1);
      assertThat(buffer.get(0)).isEqualTo((byte) '}');
    }
  }

  @Test
  void nothingLeavesTheCacheFolder() {
    server.file("../../evil", "x");
    fails(() -> repo().download(), Reason.SERVER, "evil");
    for (String path : List.of("../x", "/etc/passwd", "a/../../b", "a\\b", "c:x", "", "a//b")) {
      assertThatThrownBy(() -> repo().file(path)).isInstanceOf(IllegalArgumentException.class);
    }
    for (String revision : List.of("../x", "a b", "", "/main", "a..b")) {
      assertThatThrownBy(() -> repo().revision(revision))
          .isInstanceOf(IllegalArgumentException.class);
    }
    server.files.remove("../../evil");
    server.commit = "../../evil";
    fails(() -> repo().commit(), Reason.SERVER, "no commit");
  }

  @Test
  void aRedirectToAnotherHostForMetadataIsNotFollowed() {
    server.faults.add((exchange, path) -> {
      if (!path.contains("/revision/")) {
        return false;
      }
      exchange.getResponseHeaders().set("Location", server.storageAddress() + "/store/elsewhere");
      exchange.sendResponseHeaders(302, -1);
      exchange.close();
      return true;
    });
    server.file("elsewhere", "{\"sha\": \"" + FakeHub.COMMIT + "\"}");
    assertThat(repo().commit()).isEqualTo(FakeHub.COMMIT);
    assertThat(server.requests.getLast().authorized()).isFalse();
  }

  @Test
  void interruptsEndDownloads() {
    server.faults.add((exchange, path) -> {
      if (path.startsWith("/store/")) {
        exchange.sendResponseHeaders(200, 300_000);
        return true; // And nothing more
      }
      return false;
    });
    var caller = Thread.currentThread();
    Thread.ofVirtual()
        .start(() -> {
          while (server.count("GET", "/store/") == 0) {
            Thread.onSpinWait();
          }
          caller.interrupt();
        });
    assertThatThrownBy(() -> repo().download("*.bin")).isInstanceOf(CancellationException.class);
    assertThat(Thread.interrupted()).isTrue();
  }

  @ParameterizedTest
  @ValueSource(strings = {"hf_a\nb", " ", "tök"})
  void tokensThatAreNoneAreNotShown(String token) {
    assertThatThrownBy(() -> Hub.builder().token(token))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageNotContaining("hf_a");
  }

  @Test
  void theEnvironmentIsPythons() throws IOException {
    var home = cache.resolve("home");
    assertThat(environment(Map.of()).cache()).isEqualTo(cache.resolve(".cache/huggingface/hub"));
    assertThat(environment(Map.of("XDG_CACHE_HOME", "/x")).cache())
        .isEqualTo(Path.of("/x/huggingface/hub"));
    assertThat(environment(Map.of("HF_HOME", "~/h")).cache()).isEqualTo(cache.resolve("h/hub"));
    assertThat(environment(Map.of("HF_HOME", "/h", "HF_HUB_CACHE", "$A/${B}/c", "A", "/a")).cache())
        .isEqualTo(Path.of("/a/${B}/c"));
    assertThat(environment(Map.of("HUGGINGFACE_HUB_CACHE", "/old")).cache())
        .isEqualTo(Path.of("/old"));
    assertThat(environment(Map.of("HF_HUB_OFFLINE", "yes")).offline()).isTrue();
    assertThat(environment(Map.of("TRANSFORMERS_OFFLINE", "1")).offline()).isTrue();
    assertThat(environment(Map.of("HF_HUB_OFFLINE", "0", "TRANSFORMERS_OFFLINE", "1")).offline())
        .isFalse();
    assertThat(environment(Map.of("HF_ENDPOINT", "http://mirror/x/")).endpoint())
        .hasToString("http://mirror/x");
    assertThat(environment(Map.of()).token()).isNull();
    Files.createDirectories(home);
    Files.writeString(home.resolve("token"), "hf_file\n");
    var withFile = environment(Map.of("HF_HOME", home.toString()));
    assertThat(withFile.token()).isNotNull().hasToString("***");
    assertThatThrownBy(() -> environment(Map.of("HF_ENDPOINT", "http://me:secret@x")).endpoint())
        .hasMessageContaining("HF_ENDPOINT")
        .hasMessageNotContaining("secret");
  }

  @Test
  void theHomeIsTheOneOfTheEnvironmentAsInPython() {
    var variables = Map.of("HOME", "/home/me", "USERPROFILE", "/users/me");
    assertThat(HubEnvironment.userHome(variables, false)).hasToString("/home/me");
    assertThat(HubEnvironment.userHome(variables, true)).hasToString("/users/me");
    assertThat(HubEnvironment.userHome(Map.of("HOME", ""), false))
        .hasToString(System.getProperty("user.home"));
  }

  private HubEnvironment environment(Map<String, String> variables) {
    return new HubEnvironment(variables, cache);
  }
}
