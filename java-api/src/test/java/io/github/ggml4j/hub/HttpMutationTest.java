package io.github.ggml4j.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Answers with damaged bytes, those to range requests among them, anywhere in headers and bodies,
 * end in the right files or in a clear error. {@code -Dggml4j.test.mutants} says how many are
 * tried.
 */
class HttpMutationTest {
  private static final int MUTATIONS = Integer.getInteger("ggml4j.test.mutants", 200);
  private static final byte[] CONTENT = bytes(3000);
  private static final String CONFIG = "{\"model_type\": \"gpt2\"}";
  private static final String COMMIT = FakeHub.COMMIT;

  @TempDir Path temp;
  private final ServerSocket server;
  private volatile int target;
  private volatile long seed;
  private volatile boolean open = true;

  HttpMutationTest() throws IOException {
    server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    Thread.ofVirtual().start(this::accept);
  }

  @AfterEach
  void stop() throws IOException {
    open = false;
    server.close();
  }

  private static byte[] bytes(int count) {
    byte[] bytes = new byte[count];
    new Random(7).nextBytes(bytes);
    return bytes;
  }

  @Test
  @Timeout(1800)
  void damagedAnswersEndInErrorsOrInTheRightFiles() throws IOException {
    int right = 0;
    int refused = 0;
    for (int i = 0; i < MUTATIONS; i++) {
      seed = i;
      target = i % 5;
      var cache = temp.resolve(String.valueOf(i));
      try {
        download(cache);
        right++;
      } catch (HubException e) {
        assertThat(e.getMessage()).isNotBlank().doesNotContain("\n").hasSizeLessThan(2000);
        refused++;
      }
      delete(cache);
    }
    assertThat(right).isGreaterThan(MUTATIONS / 10);
    assertThat(refused).isGreaterThan(MUTATIONS / 10);
  }

  private void download(Path cache) throws IOException {
    var hub =
        Hub.builder(new HubEnvironment(Map.of(), cache))
            .endpoint("http://127.0.0.1:" + server.getLocalPort())
            .cache(cache)
            .retries(1)
            .retryDelay(Duration.ZERO)
            .timeout(Duration.ofSeconds(2))
            .build();
    var repo = hub.model("org/name");
    try (var file = repo.open("model.bin")) {
      var part = ByteBuffer.allocate(500);
      assertThat(file.read(1000, part))
          .isEqualTo((int) Math.min(500, Math.max(-1, file.size() - 1000)));
    }
    var snapshot = repo.download("*.bin", "*.json");
    // The list of files carries no signature: a file may be missing in it, none may be wrong
    try (Stream<Path> files = Files.walk(snapshot)) {
      for (Path path : (Iterable<Path>) files.filter(Files::isRegularFile)::iterator) {
        assertThat(path.toRealPath()).startsWith(cache.toRealPath());
        var name = String.valueOf(path.getFileName());
        if (name.equals("model.bin")) {
          assertThat(path).hasBinaryContent(CONTENT);
        }
      }
    }
  }

  private static void delete(Path folder) throws IOException {
    if (!Files.exists(folder)) {
      return;
    }
    try (Stream<Path> paths = Files.walk(folder)) {
      for (Path path : paths.sorted((a, b) -> b.compareTo(a)).toList()) {
        Files.delete(path);
      }
    }
  }

  private void accept() {
    while (open) {
      try {
        var socket = server.accept();
        Thread.ofVirtual().start(() -> serve(socket));
      } catch (IOException e) {
        return; // Closed
      }
    }
  }

  private void serve(Socket socket) {
    try (socket;
        InputStream in = socket.getInputStream()) {
      var request = new StringBuilder();
      while (request.indexOf("\r\n\r\n") < 0) {
        int c = in.read();
        if (c < 0) {
          return;
        }
        request.append((char) c);
      }
      var answer = answer(request.toString());
      socket.getOutputStream().write(answer);
      socket.getOutputStream().flush();
    } catch (IOException e) {
      // The client had enough
    }
  }

  private byte[] answer(String request) {
    boolean head = request.startsWith("HEAD");
    if (request.contains("/revision/")) {
      return damaged(0, json("{\"id\": \"org/name\", \"sha\": \"" + COMMIT + "\"}"));
    }
    var oid = FakeHub.hash("SHA-256", new byte[0], CONTENT);
    var config = CONFIG.getBytes(StandardCharsets.UTF_8);
    var gitId =
        FakeHub.hash(
            "SHA-1", ("blob " + config.length + "\0").getBytes(StandardCharsets.UTF_8), config);
    if (request.contains("/tree/")) {
      return damaged(
          1,
          json(
              "[{\"type\":\"file\",\"path\":\"config.json\",\"size\":"
                  + config.length
                  + ",\"oid\":\""
                  + gitId
                  + "\"},{\"type\":\"file\",\"path\":\"model.bin\",\"size\":134,\"oid\":\""
                  + gitId
                  + "\",\"lfs\":{\"oid\":\""
                  + oid
                  + "\",\"size\":3000,\"pointerSize\":134}}]"));
    }
    if (request.contains("/resolve/") && request.contains("/model.bin ")) {
      var headers =
          "X-Repo-Commit: %s\r\nX-Linked-Etag: \"%s\"\r\nX-Linked-Size: 3000\r\nLocation: /store/model.bin"
              .formatted(COMMIT, oid);
      return damaged(2, answer("302 Found", headers, new byte[0]));
    }
    if (request.contains("/resolve/") && request.contains("/config.json ")) {
      var headers = "X-Repo-Commit: %s\r\nETag: \"%s\"".formatted(COMMIT, gitId);
      return damaged(3, answer("200 OK", headers, head ? null : config, config.length));
    }
    if (!request.contains(" /store/model.bin ")) {
      return answer("404 Not Found", "X-Error-Code: EntryNotFound", new byte[0]);
    }
    int start = request.indexOf("bytes=");
    if (start < 0) {
      return damaged(4, answer("200 OK", "X-A: b", CONTENT));
    }
    var limits = request.substring(start + 6, request.indexOf('\r', start)).split("-", -1);
    int from = Integer.parseInt(limits[0]);
    int to = limits[1].isEmpty() ? CONTENT.length : Integer.parseInt(limits[1]) + 1;
    return damaged(
        4,
        answer(
            "206 Partial Content",
            "Content-Range: bytes " + from + "-" + (to - 1) + "/3000",
            Arrays.copyOfRange(CONTENT, from, to)));
  }

  private static byte[] json(String json) {
    return answer(
        "200 OK", "Content-Type: application/json", json.getBytes(StandardCharsets.UTF_8));
  }

  private static byte[] answer(String status, String headers, byte[] body) {
    return answer(status, headers, body, body.length);
  }

  private static byte[] answer(String status, String headers, byte @Nullable [] body, int length) {
    var text =
        "HTTP/1.1 %s\r\n%s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
            .formatted(status, headers, length);
    var head = text.getBytes(StandardCharsets.UTF_8);
    if (body == null) {
      return head;
    }
    byte[] all = Arrays.copyOf(head, head.length + body.length);
    System.arraycopy(body, 0, all, head.length, body.length);
    return all;
  }

  private byte[] damaged(int index, byte[] answer) {
    return index == target ? mutate(answer, new Random(seed)) : answer;
  }

  /** One of the ways in which an answer breaks. */
  private static byte[] mutate(byte[] bytes, Random random) {
    int at = random.nextInt(bytes.length);
    int to = Math.min(bytes.length, at + 1 + random.nextInt(50));
    return switch (random.nextInt(7)) {
      case 0 -> splice(bytes, at, at + 1, new byte[] {(byte) random.nextInt()});
      case 1 -> Arrays.copyOf(bytes, at);
      case 2 -> splice(bytes, at, to, new byte[0]);
      case 3 -> splice(bytes, at, at, randomBytes(random));
      case 4 -> splice(bytes, at, at, Arrays.copyOfRange(bytes, at, to));
      case 5 -> flipped(bytes, random);
      default -> number(bytes, random);
    };
  }

  private static byte[] randomBytes(Random random) {
    byte[] bytes = new byte[1 + random.nextInt(20)];
    random.nextBytes(bytes);
    return bytes;
  }

  private static byte[] flipped(byte[] bytes, Random random) {
    byte[] changed = bytes.clone();
    for (int i = 0; i < 8; i++) {
      changed[random.nextInt(bytes.length)] ^= (byte) (1 << random.nextInt(8));
    }
    return changed;
  }

  /** Another number in place of one that is there. */
  private static byte[] number(byte[] bytes, Random random) {
    List<Integer> starts = new ArrayList<>();
    for (int i = 1; i < Math.min(bytes.length, 700); i++) {
      if (isDigit(bytes[i]) && !isDigit(bytes[i - 1])) {
        starts.add(i);
      }
    }
    int start = starts.get(random.nextInt(starts.size()));
    int end = start;
    while (end < bytes.length && isDigit(bytes[end])) {
      end++;
    }
    var numbers =
        List.of("0", "-1", "1", "999999999999999999", "99999999999999999999999", "2147483648", "");
    var number = numbers.get(random.nextInt(numbers.size()));
    return splice(bytes, start, end, number.getBytes(StandardCharsets.UTF_8));
  }

  private static boolean isDigit(byte value) {
    return value >= '0' && value <= '9';
  }

  private static byte[] splice(byte[] bytes, int from, int to, byte[] middle) {
    byte[] result = new byte[bytes.length - (to - from) + middle.length];
    System.arraycopy(bytes, 0, result, 0, from);
    System.arraycopy(middle, 0, result, from, middle.length);
    System.arraycopy(bytes, to, result, from + middle.length, bytes.length - to);
    return result;
  }

  @Test
  @Timeout(60)
  void anAnswerWithoutEndIsGivenUp() {
    try (var endless = new FakeHub()) {
      endless.faults.add((exchange, path) -> {
        exchange.sendResponseHeaders(200, 0);
        var out = exchange.getResponseBody();
        out.write('[');
        byte[] entries =
            "{\"type\":\"directory\",\"path\":\"x\"},"
                .repeat(2000)
                .getBytes(StandardCharsets.UTF_8);
        while (true) {
          out.write(entries);
        }
      });
      var repo = endless.client(temp).retries(0).build().model("org/name");
      assertThat(catchThrowable(repo::commit))
          .isInstanceOf(HubException.class)
          .hasMessageContaining("bytes");
    }
  }
}
