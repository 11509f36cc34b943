package io.github.ggml4j.trainer.data;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.github.ggml4j.hub.Hub;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URLDecoder;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** A local server with the part of the Hub's protocol that reading datasets needs. */
final class DatasetServer implements AutoCloseable {
  private static final Pattern RANGE = Pattern.compile("bytes=(\\d+)-(\\d+)");
  private static final int PAGE = 2;

  private final HttpServer server;
  private final Map<String, Map<String, byte[]>> repositories = new ConcurrentHashMap<>();
  private final AtomicInteger requests = new AtomicInteger();

  /** Bytes of files that were sent. */
  final AtomicLong sent = new AtomicLong();

  /** Number of answers to range requests that were errors or incomplete. */
  final AtomicInteger failures = new AtomicInteger();

  /** Every n-th answer to a range request fails; 0: none. */
  volatile int failEach;

  /** Status of all answers to range requests; 0: the usual one. */
  volatile int broken;

  DatasetServer() throws IOException {
    server = HttpServer.create(new InetSocketAddress(0), 0);
    server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
    server.createContext("/", this::answer);
    server.start();
  }

  Hub hub(Path cache) {
    return Hub.builder()
        .endpoint("http://127.0.0.1:" + server.getAddress().getPort())
        .cache(cache)
        .anonymous()
        .offline(false)
        .retryDelay(Duration.ofMillis(1))
        .build();
  }

  /** Adds a file at a revision of a dataset. */
  void add(String id, String revision, String path, byte[] content) {
    repositories
        .computeIfAbsent(id + "@" + commit(revision), _ -> new TreeMap<>())
        .put(path, content);
  }

  void add(String id, String path, byte[] content) {
    add(id, "main", path, content);
  }

  private static String commit(String revision) {
    return revision.matches("[0-9a-f]{40}")
        ? revision
        : HexFormat.of()
            .formatHex((revision + "____________________").getBytes(UTF_8))
            .substring(0, 40);
  }

  private void answer(HttpExchange exchange) throws IOException {
    try (exchange) {
      String path = exchange.getRequestURI().getRawPath();
      if (path.startsWith("/api/datasets/")) {
        api(exchange, path.substring("/api/datasets/".length()));
      } else if (path.startsWith("/datasets/")) {
        resolve(exchange, path.substring("/datasets/".length()));
      } else if (path.startsWith("/cdn/")) {
        // A different host than that of the API, as on the Hub.
        range(exchange, path.substring("/cdn/".length()));
      } else {
        error(exchange, "RepoNotFound");
      }
    }
  }

  private static void error(HttpExchange exchange, String code) throws IOException {
    exchange.getResponseHeaders().set("X-Error-Code", code);
    exchange.sendResponseHeaders(404, -1);
  }

  private static void json(HttpExchange exchange, String json) throws IOException {
    byte[] bytes = json.getBytes(UTF_8);
    exchange.sendResponseHeaders(200, bytes.length);
    exchange.getResponseBody().write(bytes);
  }

  private void api(HttpExchange exchange, String path) throws IOException {
    String[] parts = path.split("/(revision|tree)/", 2);
    String revision = URLDecoder.decode(parts[1].split("/", 2)[0], UTF_8);
    if (repositories.keySet().stream().noneMatch(key -> key.startsWith(parts[0] + "@"))) {
      error(exchange, "RepoNotFound");
      return;
    }
    Map<String, byte[]> files = repositories.get(parts[0] + "@" + commit(revision));
    if (files == null) {
      error(exchange, "RevisionNotFound");
    } else if (path.contains("/revision/")) {
      json(exchange, "{\"sha\": \"" + commit(revision) + "\"}");
    } else {
      tree(exchange, files);
    }
  }

  /** Lists the files in pages of a few files. */
  private void tree(HttpExchange exchange, Map<String, byte[]> files) throws IOException {
    String query = exchange.getRequestURI().getQuery();
    Matcher cursor = Pattern.compile("cursor=(\\d+)").matcher(query);
    int from = cursor.find() ? Integer.parseInt(cursor.group(1)) : 0;
    List<String> entries = new ArrayList<>();
    files.forEach((path, content) ->
        entries.add(
            "{\"type\": \"file\", \"path\": \"%s\", \"size\": %d, \"oid\": \"%040x\"}"
                .formatted(path, content.length, path.hashCode() & 0xFFFFFFFFL)));
    int to = Math.min(entries.size(), from + PAGE);
    if (to < entries.size()) {
      exchange
          .getResponseHeaders()
          .set(
              "Link",
              "<http://127.0.0.1:%d%s?recursive=true&cursor=%d>; rel=\"next\""
                  .formatted(
                      server.getAddress().getPort(), exchange.getRequestURI().getRawPath(), to));
    }
    json(exchange, entries.subList(from, to).toString());
  }

  private void resolve(HttpExchange exchange, String path) throws IOException {
    String[] parts = path.split("/resolve/", 2);
    String[] place = parts[1].split("/", 2);
    byte[] content = file(parts[0], place[0], place[1]);
    if (content == null) {
      error(exchange, "EntryNotFound");
      return;
    }
    var headers = exchange.getResponseHeaders();
    headers.set("X-Repo-Commit", commit(place[0]));
    headers.set("X-Linked-Etag", "\"%064x\"".formatted(path.hashCode() & 0xFFFFFFFFL));
    headers.set("X-Linked-Size", Integer.toString(content.length));
    headers.set(
        "Location", "http://localhost:%d/cdn/%s".formatted(server.getAddress().getPort(), path));
    exchange.sendResponseHeaders(302, -1);
  }

  private byte @Nullable [] file(String id, String revision, String path) {
    return repositories
        .getOrDefault(id + "@" + commit(URLDecoder.decode(revision, UTF_8)), Map.of())
        .get(URLDecoder.decode(path, UTF_8));
  }

  private void range(HttpExchange exchange, String path) throws IOException {
    String[] parts = path.split("/resolve/", 2);
    String[] place = parts[1].split("/", 2);
    byte[] content = file(parts[0], place[0], place[1]);
    Matcher range = RANGE.matcher(String.valueOf(exchange.getRequestHeaders().getFirst("Range")));
    if (content == null || !range.matches()) {
      throw new IOException("no range of a file: " + path);
    }
    int from = Integer.parseInt(range.group(1));
    int to = Math.min(content.length, Integer.parseInt(range.group(2)) + 1);
    int request = requests.incrementAndGet();
    boolean fails = failEach > 0 && request % failEach == 0;
    if (broken != 0 || (fails && request % 2 == 0)) {
      failures.incrementAndGet();
      exchange.sendResponseHeaders(broken != 0 ? broken : 503, -1);
      return;
    }
    exchange
        .getResponseHeaders()
        .set("Content-Range", "bytes %d-%d/%d".formatted(from, to - 1, content.length));
    exchange.sendResponseHeaders(206, to - from);
    int end = fails ? from + (to - from) / 2 : to;
    exchange.getResponseBody().write(content, from, end - from);
    exchange.getResponseBody().flush();
    sent.addAndGet(end - from);
    if (fails) {
      failures.incrementAndGet();
      throw new IOException("the connection breaks off");
    }
  }

  @Override
  public void close() {
    server.stop(0);
  }
}
