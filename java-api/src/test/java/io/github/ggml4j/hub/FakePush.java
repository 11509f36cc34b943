package io.github.ggml4j.hub;

import com.sun.net.httpserver.HttpExchange;
import io.github.ggml4j.format.internal.Json;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/**
 * The side of the Hub that receives: files named {@code *.bin} and larger than a few bytes go to
 * storage.
 */
final class FakePush implements FakeHub.Fault {
  final Map<String, byte[]> stored = new TreeMap<>();
  final Map<String, byte[]> committed = new TreeMap<>();
  final List<String> created = new CopyOnWriteArrayList<>();
  final List<String> verified = new CopyOnWriteArrayList<>();
  int chunkSize;

  private final FakeHub server;

  FakePush(FakeHub server) {
    this.server = server;
  }

  @Override
  public boolean answer(HttpExchange exchange, String path) throws IOException {
    if (exchange.getRequestMethod().equals("GET") || exchange.getRequestMethod().equals("HEAD")) {
      return false;
    }
    byte[] body = exchange.getRequestBody().readAllBytes();
    var method = exchange.getRequestMethod();
    if (path.equals("/api/repos/create")) {
      created.add(new String(body, StandardCharsets.UTF_8));
      if (created.size() > 1) {
        FakeHub.error(exchange, 409, "exists");
      } else {
        FakeHub.json(exchange, "{}");
      }
    } else if (path.contains("/preupload/")) {
      FakeHub.json(exchange, preupload(parse(body)));
    } else if (path.endsWith(".git/info/lfs/objects/batch")) {
      FakeHub.json(exchange, batch(parse(body)));
    } else if (method.equals("PUT")) {
      var key = path.substring("/upload/".length());
      stored.put(key, body);
      exchange.getResponseHeaders().set("ETag", "\"" + key + "\"");
      FakeHub.json(exchange, "{}");
    } else if (path.startsWith("/complete/")) {
      complete(path.substring("/complete/".length()), parse(body));
      FakeHub.json(exchange, "{}");
    } else if (path.equals("/verify")) {
      verified.add(String.valueOf(parse(body).get("oid")));
      FakeHub.json(exchange, "{}");
    } else if (path.contains("/commit/")) {
      commit(new String(body, StandardCharsets.UTF_8));
      FakeHub.json(
          exchange, "{\"commitOid\": \"" + FakeHub.COMMIT + "\", \"commitUrl\": \"http://page\"}");
    } else {
      return false;
    }
    return true;
  }

  private static Map<String, @Nullable Object> parse(byte[] json) {
    return Json.parseObject(new ByteArrayInputStream(json), "request");
  }

  private static String preupload(Map<String, @Nullable Object> request) {
    List<String> files = new ArrayList<>();
    for (Object item : (List<?>) Objects.requireNonNull(request.get("files"))) {
      var file = (Map<?, ?>) item;
      var mode = String.valueOf(file.get("path")).endsWith(".bin") ? "lfs" : "regular";
      files.add(
          "{\"path\": \"%s\", \"uploadMode\": \"%s\", \"shouldIgnore\": false, \"oid\": null}"
              .formatted(file.get("path"), mode));
    }
    return "{\"files\": [" + String.join(",", files) + "]}";
  }

  private String batch(Map<String, @Nullable Object> request) {
    List<String> objects = new ArrayList<>();
    for (Object item : (List<?>) Objects.requireNonNull(request.get("objects"))) {
      var object = (Map<?, ?>) item;
      var oid = String.valueOf(object.get("oid"));
      long size = (Long) Objects.requireNonNull(object.get("size"));
      var actions = "";
      if (!stored.containsKey(oid)) {
        var header = new StringBuilder("{");
        if (chunkSize > 0) {
          header.append("\"chunk_size\": \"").append(chunkSize).append('"');
          long parts = (size + chunkSize - 1) / chunkSize;
          for (int i = 1; i <= parts; i++) {
            header.append(
                ", \"%05d\": \"%s/upload/%s-%05d\"".formatted(i, server.storageAddress(), oid, i));
          }
        }
        var href =
            chunkSize > 0
                ? server.endpoint() + "/complete/" + oid
                : server.storageAddress() + "/upload/" + oid;
        actions =
            ", \"actions\": {\"upload\": {\"href\": \"%s\", \"header\": %s}, \"verify\": {\"href\": \"%s/verify\"}}"
                .formatted(href, header.append('}'), server.endpoint());
      }
      objects.add("{\"oid\": \"%s\", \"size\": %d%s}".formatted(oid, size, actions));
    }
    return "{\"transfer\": \"basic\", \"objects\": [" + String.join(",", objects) + "]}";
  }

  private void complete(String oid, Map<String, @Nullable Object> request) {
    var whole = new ByteArrayOutputStream();
    for (Object item : (List<?>) Objects.requireNonNull(request.get("parts"))) {
      var etag = String.valueOf(((Map<?, ?>) item).get("etag")).replace("\"", "");
      whole.writeBytes(Objects.requireNonNull(stored.remove(etag)));
    }
    stored.put(oid, whole.toByteArray());
  }

  private void commit(String lines) {
    for (String line : lines.strip().split("\n", -1)) {
      var item = parse(line.getBytes(StandardCharsets.UTF_8));
      var value = (Map<?, ?>) Objects.requireNonNull(item.get("value"));
      var path = String.valueOf(value.get("path"));
      switch (String.valueOf(item.get("key"))) {
        case "file" ->
            committed.put(path, Base64.getDecoder().decode(String.valueOf(value.get("content"))));
        case "lfsFile" ->
            committed.put(
                path, Objects.requireNonNull(stored.get(String.valueOf(value.get("oid")))));
        default -> {}
      }
    }
  }
}
