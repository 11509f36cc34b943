package io.github.ggml4j.hub;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * A server that speaks the Hub's protocol: the API and small files on one host, large files behind
 * a redirect to another.
 */
final class FakeHub implements AutoCloseable {
  static final String COMMIT = "1234567890abcdef1234567890abcdef12345678";
  static final String TOKEN = "hf_secretsecretsecret";

  /** What arrived: the host's name as the client used it, and whether the token came along. */
  record Request(
      String method, String host, String path, boolean authorized, @Nullable String range) {}

  /** Answers a request instead of the usual; returns false to leave it to that. */
  interface Fault {
    boolean answer(HttpExchange exchange, String path) throws IOException;
  }

  /** A file of the repository. */
  static final class Content {
    private final byte[] bytes;
    private final boolean large;

    Content(byte[] bytes, boolean large) {
      this.bytes = bytes;
      this.large = large;
    }

    byte[] bytes() {
      return bytes;
    }

    boolean large() {
      return large;
    }

    String etag() {
      return large ? hash("SHA-256", new byte[0], bytes) : gitId();
    }

    String gitId() {
      return hash("SHA-1", ("blob " + bytes.length + "\0").getBytes(StandardCharsets.UTF_8), bytes);
    }
  }

  final List<Request> requests = new CopyOnWriteArrayList<>();
  final List<Fault> faults = new CopyOnWriteArrayList<>();
  final Map<String, Content> files = new TreeMap<>();
  String commit = COMMIT;
  String repo = "org/name";
  boolean dataset;
  boolean gated;
  boolean needsToken;
  int pageSize = 1000;

  private final HttpServer hub = start("127.0.0.1");
  private final HttpServer storage = start("localhost");

  FakeHub() {
    hub.createContext("/", this::answerHub);
    storage.createContext("/", this::answerStorage);
    hub.start();
    storage.start();
  }

  private static HttpServer start(String host) {
    try {
      var server = HttpServer.create(new InetSocketAddress(InetAddress.getByName(host), 0), 50);
      server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
      return server;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  FakeHub file(String path, String text) {
    files.put(path, new Content(text.getBytes(StandardCharsets.UTF_8), false));
    return this;
  }

  FakeHub large(String path, byte[] bytes) {
    files.put(path, new Content(bytes, true));
    return this;
  }

  String endpoint() {
    return "http://127.0.0.1:" + hub.getAddress().getPort();
  }

  /** A client that waits hardly at all between tries. */
  Hub.Builder client(Path cache) {
    var environment = new HubEnvironment(Map.of("HF_HOME", cache.toString()), cache);
    return Hub.builder(environment)
        .endpoint(endpoint())
        .cache(cache)
        .retryDelay(Duration.ofMillis(1))
        .timeout(Duration.ofSeconds(5));
  }

  long count(String method, String pathPart) {
    return requests.stream()
        .filter(r -> r.method().equals(method) && r.path().contains(pathPart))
        .count();
  }

  /** Answers the next {@code times} requests whose path has a part with a status. */
  void failNext(int times, String pathPart, int status, String... headers) {
    var left = new AtomicInteger(times);
    faults.add((exchange, path) -> {
      if (!path.contains(pathPart) || left.getAndDecrement() <= 0) {
        return false;
      }
      for (int i = 0; i < headers.length; i += 2) {
        exchange.getResponseHeaders().set(headers[i], headers[i + 1]);
      }
      exchange.sendResponseHeaders(status, -1);
      exchange.close();
      return true;
    });
  }

  /** Breaks the connection of the next {@code times} answers from storage after some bytes. */
  void breakStorage(int times, int afterBytes) {
    var left = new AtomicInteger(times);
    faults.add((exchange, path) -> {
      if (!path.startsWith("/store/") || left.getAndDecrement() <= 0) {
        return false;
      }
      var content = stored(path);
      var range = exchange.getRequestHeaders().getFirst("Range");
      int start = range == null ? 0 : Integer.parseInt(range.replaceAll("bytes=(\\d+)-.*", "$1"));
      if (range != null) {
        exchange
            .getResponseHeaders()
            .set(
                "Content-Range",
                "bytes "
                    + start
                    + "-"
                    + (content.bytes().length - 1)
                    + "/"
                    + content.bytes().length);
      }
      exchange.sendResponseHeaders(range == null ? 200 : 206, content.bytes().length - start);
      exchange
          .getResponseBody()
          .write(content.bytes(), start, Math.min(afterBytes, content.bytes().length - start));
      exchange.getResponseBody().flush();
      throw new IOException("broken on purpose");
    });
  }

  String storageAddress() {
    return "http://localhost:" + storage.getAddress().getPort();
  }

  private void record(HttpExchange exchange, String path) {
    var headers = exchange.getRequestHeaders();
    requests.add(
        new Request(
            exchange.getRequestMethod(),
            headers.getFirst("Host"),
            path,
            headers.containsKey("Authorization"),
            headers.getFirst("Range")));
  }

  private boolean isFaulty(HttpExchange exchange, String path) throws IOException {
    for (var fault : faults) {
      if (fault.answer(exchange, path)) {
        return true;
      }
    }
    return false;
  }

  private void answerHub(HttpExchange exchange) throws IOException {
    var path = exchange.getRequestURI().getRawPath();
    record(exchange, path);
    if (isFaulty(exchange, path)) {
      return;
    }
    var authorization = exchange.getRequestHeaders().getFirst("Authorization");
    if (needsToken && !("Bearer " + TOKEN).equals(authorization)) {
      error(exchange, 401, "RepoNotFound");
      return;
    }
    var prefix = dataset ? "/datasets/" + repo : "/" + repo;
    var api = "/api/" + (dataset ? "datasets/" : "models/") + repo;
    if (path.startsWith(api + "/revision/")) {
      var revision = decode(path.substring((api + "/revision/").length()));
      if (revision.equals("main") || revision.equals("refs/convert/parquet")) {
        json(exchange, "{\"_id\": \"x\", \"id\": \"" + repo + "\", \"sha\": \"" + commit + "\"}");
      } else {
        error(exchange, 404, "RevisionNotFound");
      }
    } else if (path.startsWith(api + "/tree/" + commit)) {
      tree(exchange, decode(path.substring((api + "/tree/" + commit).length())));
    } else if (path.startsWith(prefix + "/resolve/")) {
      var rest = decode(path.substring((prefix + "/resolve/").length()));
      resolve(exchange, rest.substring(rest.indexOf('/') + 1));
    } else {
      error(exchange, 404, "RepoNotFound");
    }
  }

  private void tree(HttpExchange exchange, String folder) throws IOException {
    var query = exchange.getRequestURI().getQuery();
    int start = query.contains("cursor=") ? Integer.parseInt(query.replaceAll(".*cursor=", "")) : 0;
    var selected =
        files.entrySet().stream()
            .filter(e -> ("/" + e.getKey()).startsWith(folder))
            .skip(start)
            .limit(pageSize)
            .toList();
    var json =
        new StringBuilder("[{\"type\":\"directory\",\"oid\":\"0\",\"size\":0,\"path\":\"d\"}");
    for (var file : selected) {
      var content = file.getValue();
      json.append(",{\"type\":\"file\",\"oid\":\"").append(content.gitId()).append("\",\"size\":");
      json.append(content.bytes().length).append(",\"path\":\"").append(file.getKey()).append('"');
      if (content.large()) {
        json.append(",\"lfs\":{\"oid\":\"").append(content.etag()).append("\",\"size\":");
        json.append(content.bytes().length).append(",\"pointerSize\":134}");
      }
      json.append('}');
    }
    if (selected.size() == pageSize) {
      var next =
          endpoint()
              + exchange.getRequestURI().getRawPath()
              + "?recursive=true&cursor="
              + (start + pageSize);
      exchange.getResponseHeaders().set("Link", "<" + next + ">; rel=\"next\"");
    }
    json(exchange, json.append(']').toString());
  }

  private void resolve(HttpExchange exchange, String path) throws IOException {
    var headers = exchange.getResponseHeaders();
    headers.set("X-Repo-Commit", commit);
    var content = files.get(path);
    if (gated) {
      error(exchange, 403, "GatedRepo");
    } else if (content == null) {
      error(exchange, 404, "EntryNotFound");
    } else if (content.large()) {
      headers.set("X-Linked-Etag", '"' + content.etag() + '"');
      headers.set("X-Linked-Size", String.valueOf(content.bytes().length));
      headers.set("ETag", "\"other\"");
      headers.set(
          "Location",
          "http://localhost:"
              + storage.getAddress().getPort()
              + "/store/"
              + path
              + "?signature=abc");
      exchange.sendResponseHeaders(302, -1);
      exchange.close();
    } else {
      headers.set("ETag", "W/\"" + content.etag() + '"');
      send(exchange, content.bytes());
    }
  }

  private void answerStorage(HttpExchange exchange) throws IOException {
    var path = decode(exchange.getRequestURI().getRawPath());
    record(exchange, path);
    if (isFaulty(exchange, path)) {
      return;
    }
    send(exchange, stored(path).bytes());
  }

  private Content stored(String path) {
    return Objects.requireNonNull(files.get(path.substring("/store/".length())));
  }

  /** Sends a file, or the part that was asked for. */
  static void send(HttpExchange exchange, byte[] bytes) throws IOException {
    var range = exchange.getRequestHeaders().getFirst("Range");
    int start = 0;
    int end = bytes.length;
    if (range != null) {
      var limits = range.substring("bytes=".length()).split("-", -1);
      start = Integer.parseInt(limits[0]);
      end = limits[1].isEmpty() ? end : Math.min(end, Integer.parseInt(limits[1]) + 1);
      exchange
          .getResponseHeaders()
          .set("Content-Range", "bytes " + start + "-" + (end - 1) + "/" + bytes.length);
    }
    if (exchange.getRequestMethod().equals("HEAD")) {
      exchange.getResponseHeaders().set("Content-Length", String.valueOf(bytes.length));
      exchange.sendResponseHeaders(200, -1);
    } else {
      int length = end - start;
      exchange.sendResponseHeaders(range == null ? 200 : 206, length == 0 ? -1 : length);
      try (OutputStream out = exchange.getResponseBody()) {
        out.write(bytes, start, length);
      }
    }
    exchange.close();
  }

  static void json(HttpExchange exchange, String json) throws IOException {
    byte[] bytes = json.getBytes(StandardCharsets.UTF_8);
    exchange.getResponseHeaders().set("Content-Type", "application/json");
    exchange.sendResponseHeaders(200, bytes.length);
    exchange.getResponseBody().write(bytes);
    exchange.close();
  }

  static void error(HttpExchange exchange, int status, String code) throws IOException {
    exchange.getResponseHeaders().set("X-Error-Code", code);
    exchange.sendResponseHeaders(status, -1);
    exchange.close();
  }

  private static String decode(String path) {
    return URLDecoder.decode(path.replace("+", "%2B"), StandardCharsets.UTF_8);
  }

  static String hash(String algorithm, byte[] header, byte[] bytes) {
    try {
      var digest = MessageDigest.getInstance(algorithm);
      digest.update(header);
      return HexFormat.of().formatHex(digest.digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  public void close() {
    hub.stop(0);
    storage.stop(0);
  }
}
