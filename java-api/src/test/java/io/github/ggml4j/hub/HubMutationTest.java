package io.github.ggml4j.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Reads a part of a file and downloads a model from a server one of whose answers is damaged, to
 * the byte: status line, headers or body. Each try must succeed or end in {@link HubException},
 * soon, a file that has a checksum is never kept with other content, and nothing stays in memory or
 * open. {@code -Dggml4j.test.mutants} says how many.
 */
class HubMutationTest {
  private static final int COUNT = Integer.getInteger("ggml4j.test.mutants", 200);
  private static final long MAX_SECONDS = 20;
  private static final byte[] CONFIG = ascii("{\"model_type\": \"gpt2\", \"n_layer\": 12}");
  private static final byte[] WEIGHTS = weights();
  private static final String WEIGHTS_HASH = FakeHub.hash("SHA-256", new byte[0], WEIGHTS);
  private static final String CONFIG_HASH =
      FakeHub.hash("SHA-1", ascii("blob " + CONFIG.length + "\0"), CONFIG);

  private static final Pattern RANGE = Pattern.compile("(?i)range: bytes=(\\d{1,6})-(\\d{1,6})\\r");

  private static final List<String> VALUES =
      List.of(
          "-1",
          "0",
          "4294967296",
          "9223372036854775807",
          "99999999999999999999",
          "null",
          "[]",
          "{}",
          "\"\"",
          "../../../x",
          "\r\n",
          "\r\n\r\n",
          "chunked",
          "gzip",
          "\0",
          "304",
          "500");

  @TempDir Path folder;

  private Map<String, byte[]> answers = Map.of();
  private String storage = "";
  private final AtomicInteger untilDamage = new AtomicInteger();
  private SplittableRandom random = new SplittableRandom(1);

  @Test
  void answersDamagedAnywhere() throws IOException {
    int succeeded = 0;
    try (var server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
      // Large files are on another host
      storage = "http://localhost:" + server.getLocalPort() + "/store/";
      answers = answers(storage);
      Thread.startVirtualThread(() -> serve(server));
      var endpoint = "http://127.0.0.1:" + server.getLocalPort();
      untilDamage.set(Integer.MAX_VALUE);
      download(endpoint, folder.resolve("sound"));
      for (int i = 0; i < COUNT; i++) {
        random = new SplittableRandom(i);
        untilDamage.set(random.nextInt(9));
        var cache = folder.resolve("cache");
        long began = System.nanoTime();
        try {
          download(endpoint, cache);
          succeeded++;
        } catch (HubException e) {
          assertThat(e.getMessage()).as("mutant %d", i).hasSizeBetween(20, 3000);
        } catch (RuntimeException e) {
          throw new AssertionError("mutant " + i, e);
        }
        assertThat((System.nanoTime() - began) / 1_000_000_000L)
            .as("seconds of mutant %d", i)
            .isLessThan(MAX_SECONDS);
        checkKept(cache, i);
        delete(cache);
      }
    }
    assertThat(succeeded).isBetween(COUNT / 20, COUNT - COUNT / 20);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "HTTQ/1.1 200 OK",
        "HTTP/1.1 2x0 OK",
        "HTTP/1.1 200 OK\r\nno header: 1",
        "HTTP/1.1 200 OK\r\nContent-Length: many",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999"
      })
  void connectionsOfAnswersWithoutSenseAreClosed(String head) throws Exception {
    int count = 20;
    var closed = new CountDownLatch(count);
    try (var server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
      Thread.startVirtualThread(() -> {
        while (!server.isClosed()) {
          try {
            var socket = server.accept();
            Thread.startVirtualThread(() -> answerAndWait(socket, head, closed));
          } catch (IOException e) {
            return;
          }
        }
      });
      for (int i = 0; i < count; i++) {
        assertThatThrownBy(
                () -> download("http://127.0.0.1:" + server.getLocalPort(), folder.resolve("c")))
            .isInstanceOf(HubException.class);
      }
      assertThat(closed.await(20, TimeUnit.SECONDS))
          .as("%d connections are open", closed.getCount())
          .isTrue();
    }
  }

  private static void answerAndWait(Socket socket, String head, CountDownLatch closed) {
    try (socket) {
      var in = socket.getInputStream();
      request(in);
      socket.getOutputStream().write(ascii(head + "\r\n\r\n"));
      while (in.read() >= 0) {
        // Until the client closes
      }
    } catch (IOException e) {
      // It closes
    }
    closed.countDown();
  }

  @Test
  void anAnswerWithoutEndIsGivenUpEarly() throws IOException {
    var sent = new AtomicLong();
    try (var endless = new FakeHub()) {
      byte[] entries = ascii("{\"type\":\"directory\",\"path\":\"x\"},".repeat(2000));
      endless.faults.add((exchange, path) -> {
        exchange.sendResponseHeaders(200, 0);
        var out = exchange.getResponseBody();
        for (out.write('['); sent.get() < 1L << 30; sent.addAndGet(entries.length)) {
          out.write(entries);
        }
        return true;
      });
      var repo = endless.client(folder).retries(0).build().model("org/name");
      assertThatThrownBy(repo::commit)
          .isInstanceOf(HubException.class)
          .hasMessageContaining("more than");
    }
    assertThat(sent.get()).isLessThan(64L << 20); // What the system's buffers hold included
  }

  private static void download(String endpoint, Path cache) throws IOException {
    var environment = new HubEnvironment(Map.of("HF_HOME", cache.toString()), cache);
    var repo =
        Hub.builder(environment)
            .endpoint(endpoint)
            .cache(cache)
            .retries(1)
            .retryDelay(Duration.ofMillis(1))
            .timeout(Duration.ofSeconds(2))
            .build()
            .model("org/name");
    try (var file = repo.open("model.safetensors")) {
      var part = ByteBuffer.allocate(500);
      file.read(1000, part); // Which bytes these are, only a whole file's checksum tells
      assertThat(part.position()).isEqualTo(Math.clamp(file.size() - 1000, 0, 500));
    }
    var path = repo.downloadModel();
    assertThat(Files.readAllBytes(path.resolve("model.safetensors"))).isEqualTo(WEIGHTS);
  }

  /** Content is known by the name that it is kept under. */
  private static void checkKept(Path cache, int mutant) throws IOException {
    var blobs = cache.resolve("models--org--name/blobs");
    if (Files.isDirectory(blobs)) {
      var kept = blobs.resolve(WEIGHTS_HASH);
      if (Files.exists(kept)) {
        assertThat(Files.readAllBytes(kept)).as("kept by mutant %d", mutant).isEqualTo(WEIGHTS);
      }
    }
    if (Files.isDirectory(cache)) {
      try (var outside = Files.list(cache.getParent())) {
        assertThat(outside.map(p -> p.getFileName().toString()))
            .as("written by mutant %d", mutant)
            .isSubsetOf("cache", "sound");
      }
    }
  }

  private void serve(ServerSocket server) {
    while (!server.isClosed()) {
      try {
        var socket = server.accept();
        Thread.startVirtualThread(() -> answerAll(socket));
      } catch (IOException e) {
        return;
      }
    }
  }

  /** Answers on a connection until one answer is damaged: then it is closed. */
  private void answerAll(Socket socket) {
    try (socket) {
      var in = socket.getInputStream();
      for (var request = request(in); !request.isEmpty(); request = request(in)) {
        var method = request.substring(0, request.indexOf(' '));
        var path = request.substring(method.length() + 1).replaceAll("(?s)[ ?].*", "");
        var whole = answers.getOrDefault(path, answer("404 Not Found", new byte[0]));
        var range = RANGE.matcher(request);
        var sent =
            method.equals("HEAD")
                ? withoutBody(whole)
                : path.startsWith("/store/") && range.find()
                    ? part(Integer.parseInt(range.group(1)), Integer.parseInt(range.group(2)))
                    : whole;
        boolean damage = untilDamage.getAndDecrement() == 0;
        if (damage) {
          sent = damageButForHosts(sent);
        }
        socket.getOutputStream().write(sent);
        if (damage) {
          return;
        }
      }
    } catch (IOException e) {
      // The client has gone
    }
  }

  private static String request(InputStream in) throws IOException {
    var line = new StringBuilder();
    int matched = 0;
    for (int c = in.read(); c >= 0; c = in.read()) {
      line.append((char) c);
      matched = c == "\r\n\r\n".charAt(matched) ? matched + 1 : c == '\r' ? 1 : 0;
      if (matched == 4) {
        return line.toString();
      }
    }
    return "";
  }

  private static byte[] part(int from, int to) {
    var range = "Content-Range: bytes %d-%d/%d".formatted(from, to, WEIGHTS.length);
    return answer("206 Partial Content", Arrays.copyOfRange(WEIGHTS, from, to + 1), range);
  }

  private static byte[] withoutBody(byte[] answer) {
    int end = new String(answer, StandardCharsets.ISO_8859_1).indexOf("\r\n\r\n") + 4;
    return Arrays.copyOf(answer, end);
  }

  private static Map<String, byte[]> answers(String storage) {
    var commit = FakeHub.COMMIT;
    Map<String, byte[]> answers = new HashMap<>();
    answers.put(
        "/api/models/org/name/revision/main",
        answer("200 OK", ascii("{\"id\": \"org/name\", \"sha\": \"" + commit + "\"}")));
    answers.put(
        "/api/models/org/name/tree/" + commit,
        answer(
            "200 OK",
            ascii(
                ("[{\"type\":\"file\",\"oid\":\"%s\",\"size\":%d,\"path\":\"config.json\"},"
                        + "{\"type\":\"file\",\"oid\":\"0\",\"size\":%d,\"path\":\"model.safetensors\","
                        + "\"lfs\":{\"oid\":\"%s\",\"size\":%d,\"pointerSize\":134}}]")
                    .formatted(
                        CONFIG_HASH,
                        CONFIG.length,
                        WEIGHTS.length,
                        WEIGHTS_HASH,
                        WEIGHTS.length))));
    var resolve = "/org/name/resolve/" + commit;
    answers.put(
        resolve + "/config.json",
        answer("200 OK", CONFIG, "X-Repo-Commit: " + commit, "ETag: \"" + CONFIG_HASH + '"'));
    answers.put(
        resolve + "/model.safetensors",
        answer(
            "302 Found",
            new byte[0],
            "Location: " + storage + "model.safetensors",
            "X-Repo-Commit: " + commit,
            "X-Linked-Size: " + WEIGHTS.length,
            "X-Linked-Etag: \"" + WEIGHTS_HASH + '"'));
    answers.put("/store/model.safetensors", answer("200 OK", WEIGHTS, "ETag: \"other\""));
    return answers;
  }

  private static byte[] answer(String status, byte[] body, String... headers) {
    var text = new StringBuilder("HTTP/1.1 " + status + "\r\n");
    for (var header : headers) {
      text.append(header).append("\r\n");
    }
    text.append("Content-Length: ").append(body.length).append("\r\n\r\n");
    return join(ascii(text.toString()), body);
  }

  /** Other hosts are not asked: what they answer is not what is tested. */
  private byte[] damageButForHosts(byte[] answer) {
    while (true) {
      var damaged = damage(answer);
      var text = new String(damaged, StandardCharsets.ISO_8859_1);
      if (!text.contains("http:") || text.contains(storage)) {
        return damaged;
      }
    }
  }

  private byte[] damage(byte[] answer) {
    var bytes = answer.clone();
    for (int left = 1 + random.nextInt(3); left > 0 && bytes.length > 0; left--) {
      int at = random.nextInt(random.nextBoolean() ? bytes.length : Math.min(bytes.length, 300));
      switch (random.nextInt(7)) {
        case 0 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
        case 1 -> bytes[at] = (byte) random.nextInt(256);
        case 2 -> bytes = Arrays.copyOf(bytes, at);
        case 3 -> bytes = splice(bytes, at, 0, ascii(VALUES.get(random.nextInt(VALUES.size()))));
        case 4 ->
            bytes =
                splice(bytes, at, Math.min(bytes.length - at, 1 + random.nextInt(9)), new byte[0]);
        case 5 -> bytes = number(bytes, at);
        default -> {
          int from = random.nextInt(bytes.length);
          int to = Math.min(bytes.length, from + random.nextInt(60));
          bytes = splice(bytes, at, 0, Arrays.copyOfRange(bytes, from, to));
        }
      }
    }
    return bytes;
  }

  /** Puts another value in the place of the next decimal number. */
  private byte[] number(byte[] bytes, int at) {
    int from = at;
    while (from < bytes.length && !Character.isDigit(bytes[from])) {
      from++;
    }
    int to = from;
    while (to < bytes.length && Character.isDigit(bytes[to])) {
      to++;
    }
    return splice(bytes, from, to - from, ascii(VALUES.get(random.nextInt(VALUES.size()))));
  }

  private static byte[] splice(byte[] bytes, int at, int removed, byte[] added) {
    return join(
        join(Arrays.copyOf(bytes, at), added),
        Arrays.copyOfRange(bytes, at + removed, bytes.length));
  }

  private static byte[] join(byte[] first, byte[] second) {
    var both = new ByteArrayOutputStream(first.length + second.length);
    both.writeBytes(first);
    both.writeBytes(second);
    return both.toByteArray();
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }

  private static byte[] weights() {
    var bytes = new byte[5000];
    new java.util.Random(1).nextBytes(bytes);
    return bytes;
  }

  private static void delete(Path folder) throws IOException {
    if (!Files.exists(folder)) {
      return;
    }
    Files.walkFileTree(
        folder,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Files.delete(file);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult postVisitDirectory(
              Path visited, @org.jspecify.annotations.Nullable IOException e) throws IOException {
            Files.delete(visited);
            return FileVisitResult.CONTINUE;
          }
        });
  }
}
