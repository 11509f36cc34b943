package io.github.ggml4j.hub;

import io.github.ggml4j.error.InvalidArgumentException;
import io.github.ggml4j.format.ModelFormatException;
import io.github.ggml4j.format.internal.Json;
import io.github.ggml4j.hub.HubException.Reason;
import io.github.ggml4j.internal.Names;
import java.io.BufferedOutputStream;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.URI;
import java.net.http.HttpRequest;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;

/**
 * Publishes a folder as one commit. The server decides which files go to large file storage. These
 * are uploaded first, whole or in parts; the commit refers to them and contains the other files.
 */
final class Push {
  private static final String JSON = "application/json";
  private static final String LFS = "application/vnd.git-lfs+json";
  private static final String CARD = "README.md";
  private static final Set<String> NOT_PUBLISHED =
      Set.of(".git", ".cache", ".DS_Store", "__pycache__");
  private static final Pattern CHECKPOINT = Pattern.compile("\\.?checkpoint-\\d+(\\.\\w+)?");
  private static final int FILES_PER_REQUEST = 256;
  private static final int MAX_FILES = 10_000;
  private static final int MAX_RESPONSE_BYTES = 16 << 20;
  private static final int MAX_PARTS = 10_000;

  private final HubSettings settings;
  private final Transport transport;
  private final RepoId repo;
  private final String revision;
  private final PushOptions options;
  private final Target target;
  private final Progress progress;

  Push(
      HubSettings settings,
      Transport transport,
      RepoId repo,
      String revision,
      PushOptions options) {
    this.settings = settings;
    this.transport = transport;
    this.repo = repo;
    this.revision = revision;
    this.options = options;
    this.target = new Target(repo, revision, null);
    this.progress = new Progress(options.progress());
  }

  PushedCommit run(Path folder, boolean hasCard) {
    try {
      var files = collect(folder, hasCard);
      createRepo();
      var modes = modes(files);
      List<Upload> regular = new ArrayList<>();
      List<Upload> large = new ArrayList<>();
      for (Upload file : files) {
        var mode = modes.get(file.path());
        if (mode == null || mode.ignored() || file.gitId().equals(mode.oid())) {
          continue;
        }
        // Empty files cannot be stored as large ones
        (mode.large() && file.size() > 0 ? large : regular).add(file);
      }
      Map<Upload, String> hashes = new LinkedHashMap<>();
      for (Upload file : large) {
        hashes.put(file, file.sha256());
      }
      store(hashes);
      return commit(regular, hashes);
    } catch (IOException e) {
      if (Thread.currentThread().isInterrupted()) {
        throw Waiting.interrupted();
      }
      throw new HubException(
          Reason.CACHE, folder + ": cannot be read: " + e.getMessage() + ". Check the folder.", e);
    }
  }

  private List<Upload> collect(Path folder, boolean hasCard) throws IOException {
    if (!Files.isDirectory(folder)) {
      throw new InvalidArgumentException("folder", folder, "an existing folder with a model");
    }
    Map<String, Upload> files = new TreeMap<>();
    try (Stream<Path> paths = Files.walk(folder)) {
      for (Path path : (Iterable<Path>) paths::iterator) {
        var name = folder.relativize(path).toString().replace('\\', '/');
        if (Files.isRegularFile(path) && isPublished(name)) {
          files.put(HubPaths.checkPath(name), Upload.of(name, path));
        }
      }
    }
    if (files.isEmpty() || files.size() > MAX_FILES) {
      throw new InvalidArgumentException(
          "folder", folder + " with " + files.size() + " files", "1 to " + MAX_FILES + " files");
    }
    if (options.card() != null) {
      files.put(CARD, Upload.of(CARD, options.card()));
    } else if (!hasCard && !files.containsKey(CARD) && repo.kind() == RepoId.Kind.MODEL) {
      files.put(CARD, Upload.of(CARD, ModelCard.of(repo.id(), folder)));
    }
    return List.copyOf(files.values());
  }

  private static boolean isPublished(String name) {
    for (String part : name.split("/", -1)) {
      if (NOT_PUBLISHED.contains(part) || CHECKPOINT.matcher(part).matches()) {
        return false;
      }
    }
    return !name.endsWith(".tmp") && !name.endsWith(".incomplete");
  }

  private void createRepo() {
    int slash = repo.id().indexOf('/');
    Map<String, @Nullable Object> body = new LinkedHashMap<>();
    body.put("name", repo.id().substring(slash + 1));
    body.put("organization", repo.id().substring(0, slash));
    if (repo.kind() != RepoId.Kind.MODEL) {
      body.put("type", repo.kind().noun());
    }
    if (options.isPrivate()) {
      body.put("visibility", "private");
    }
    var call = post("api/repos/create", body, JSON);
    try (var response = transport.attempt(call, target)) {
      boolean exists = response.status() == 409;
      if (!response.isSuccess() && !exists) {
        throw Failures.ofStatus(response, target, transport.hasToken());
      }
    }
  }

  /**
   * How the server wants a file.
   *
   * @param large whether it goes to large file storage
   * @param ignored whether the server ignores the file
   * @param oid git's id of the content that the repository has; null if it does not have the file
   */
  private record Mode(boolean large, boolean ignored, @Nullable String oid) {}

  private Map<String, Mode> modes(List<Upload> files) throws IOException {
    Map<String, Mode> modes = new HashMap<>();
    for (int i = 0; i < files.size(); i += FILES_PER_REQUEST) {
      List<Map<String, Object>> described = new ArrayList<>();
      for (Upload file : files.subList(i, Math.min(files.size(), i + FILES_PER_REQUEST))) {
        described.add(Map.of("path", file.path(), "sample", file.sample(), "size", file.size()));
      }
      var call =
          post(
              repo.apiPath() + "/preupload/" + Urls.encode(revision),
              Map.of("files", described),
              JSON);
      var response = requestJson(call);
      if (!(response.get("files") instanceof List<?> items)) {
        throw badResponse(call, "it does not say how to upload the files");
      }
      for (Object item : items) {
        if (item instanceof Map<?, ?> file && file.get("path") instanceof String path) {
          modes.put(
              path,
              new Mode(
                  "lfs".equals(file.get("uploadMode")),
                  Boolean.TRUE.equals(file.get("shouldIgnore")),
                  file.get("oid") instanceof String oid ? oid : null));
        }
      }
    }
    for (Upload file : files) {
      if (!modes.containsKey(file.path())) {
        throw new HubException(
            Reason.SERVER,
            target
                + ": the server does not say how to upload "
                + file.path()
                + ". Try again later.");
      }
    }
    return modes;
  }

  /**
   * Uploads large files to the storage that the server names. Files that the storage already has
   * are skipped.
   */
  private void store(Map<Upload, String> hashes) throws IOException {
    List<Map.Entry<Upload, String>> files = List.copyOf(hashes.entrySet());
    hashes.keySet().forEach(file -> progress.add(file.path(), file.size()));
    for (int i = 0; i < files.size(); i += FILES_PER_REQUEST) {
      var batch = files.subList(i, Math.min(files.size(), i + FILES_PER_REQUEST));
      Map<String, Upload> byHash = new HashMap<>();
      List<Map<String, Object>> objects = new ArrayList<>();
      for (var file : batch) {
        if (byHash.put(file.getValue(), file.getKey()) == null) {
          objects.add(Map.of("oid", file.getValue(), "size", file.getKey().size()));
        }
      }
      Map<String, @Nullable Object> body = new LinkedHashMap<>();
      body.put("operation", "upload");
      body.put("transfers", List.of("basic", "multipart"));
      body.put("objects", objects);
      body.put("hash_algo", "sha256");
      body.put("ref", Map.of("name", revision));
      var call = post(repo.urlPath() + ".git/info/lfs/objects/batch", body, LFS);
      if (!(requestJson(call).get("objects") instanceof List<?> items)) {
        throw badResponse(call, "it does not say where to send large files");
      }
      for (Object item : items) {
        if (!(item instanceof Map<?, ?> object)
            || !(object.get("oid") instanceof String oid)
            || !byHash.containsKey(oid)) {
          throw badResponse(call, "it requests a file that was not offered");
        }
        if (object.get("error") instanceof Map<?, ?> error) {
          throw badResponse(
              call, "it refuses a file: " + Names.quote(String.valueOf(error.get("message"))));
        }
        if (object.get("actions") instanceof Map<?, ?> actions) {
          send(call, byHash.get(oid), oid, actions);
        }
      }
      for (var file : batch) { // Files that the server already has count as uploaded
        progress.update(file.getKey().path(), file.getKey().size());
        progress.finish(file.getKey().path());
      }
    }
  }

  private void send(Transport.Call request, Upload file, String oid, Map<?, ?> actions) {
    var upload = address(request, actions.get("upload"));
    if (upload == null) {
      return;
    }
    Map<?, ?> header =
        actions.get("upload") instanceof Map<?, ?> action
                && action.get("header") instanceof Map<?, ?> given
            ? given
            : Map.of();
    if (header.get("chunk_size") == null) {
      var call = Transport.Call.send("PUT", upload, () -> part(file, 0, file.size()));
      transport.send(call, target(file)).close();
    } else {
      sendParts(request, file, oid, upload, header);
    }
    var verify = address(request, actions.get("verify"));
    if (verify != null) {
      byte[] body = JsonMapper.shared().writeValueAsBytes(Map.of("oid", oid, "size", file.size()));
      transport.send(json("POST", verify, body, LFS), target(file)).close();
    }
  }

  private HttpRequest.BodyPublisher part(Upload file, long offset, long length) {
    return file.range(offset, length, sent -> progress.update(file.path(), offset + sent));
  }

  private void sendParts(
      Transport.Call request, Upload file, String oid, URI completion, Map<?, ?> header) {
    var text = String.valueOf(header.get("chunk_size"));
    long chunk = text.matches("\\d{1,15}") ? Long.parseLong(text) : 0;
    long count = chunk <= 0 ? 0 : (file.size() + chunk - 1) / chunk;
    if (count < 1 || count > MAX_PARTS) {
      throw badResponse(request, "it requests parts of " + Names.quote(text) + " bytes");
    }
    Map<Long, URI> addresses = new TreeMap<>();
    header.forEach((key, value) -> {
      if (String.valueOf(key).matches("\\d{1,9}")) {
        addresses.put(Long.parseLong(String.valueOf(key)), resolve(request, String.valueOf(value)));
      }
    });
    if (addresses.size() != count) {
      throw badResponse(
          request,
          "the upload needs "
              + count
              + " parts, but the server gives "
              + addresses.size()
              + " addresses");
    }
    List<Map<String, Object>> parts = new ArrayList<>();
    for (URI address : addresses.values()) {
      long offset = chunk * parts.size();
      long length = Math.min(chunk, file.size() - offset);
      var call = Transport.Call.send("PUT", address, () -> part(file, offset, length));
      try (var response = transport.send(call, target(file))) {
        var etag = response.header("etag");
        if (etag == null) {
          throw badResponse(call, "it does not confirm a part of the upload");
        }
        parts.add(Map.of("partNumber", parts.size() + 1, "etag", etag));
      }
    }
    byte[] body = JsonMapper.shared().writeValueAsBytes(Map.of("oid", oid, "parts", parts));
    transport.send(json("POST", completion, body, LFS), target(file)).close();
  }

  private PushedCommit commit(List<Upload> regular, Map<Upload, String> large) throws IOException {
    var body = Files.createTempFile("ggml4j-commit", ".ndjson");
    try {
      try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(body))) {
        line(
            out,
            Map.of(
                "key", "header", "value", Map.of("summary", options.message(), "description", "")));
        for (Upload file : regular) {
          out.write("{\"key\":\"file\",\"value\":{\"content\":\"".getBytes(StandardCharsets.UTF_8));
          file.writeBase64(out);
          out.write("\",\"encoding\":\"base64\",\"path\":".getBytes(StandardCharsets.UTF_8));
          out.write(JsonMapper.shared().writeValueAsBytes(file.path()));
          out.write("}}\n".getBytes(StandardCharsets.UTF_8));
        }
        for (var file : large.entrySet()) {
          Map<String, Object> value = new LinkedHashMap<>();
          value.put("path", file.getKey().path());
          value.put("algo", "sha256");
          value.put("oid", file.getValue());
          value.put("size", file.getKey().size());
          line(out, Map.of("key", "lfsFile", "value", value));
        }
      }
      var uri = settings.address(repo.apiPath() + "/commit/" + Urls.encode(revision));
      var call =
          Transport.Call.send("POST", uri, () -> HttpRequest.BodyPublishers.ofFile(body))
              .with("Content-Type", "application/x-ndjson");
      var response = requestJson(call);
      if (!(response.get("commitOid") instanceof String commit)
          || !(response.get("commitUrl") instanceof String url)) {
        throw badResponse(call, "it names no commit");
      }
      return new PushedCommit(commit, url);
    } finally {
      Files.deleteIfExists(body);
    }
  }

  private static void line(OutputStream out, Map<String, Object> item) throws IOException {
    out.write(JsonMapper.shared().writeValueAsBytes(item));
    out.write('\n');
  }

  private Target target(Upload file) {
    return new Target(repo, revision, file.path());
  }

  private @Nullable URI address(Transport.Call request, @Nullable Object action) {
    if (action == null) {
      return null;
    }
    return resolve(
        request,
        action instanceof Map<?, ?> map && map.get("href") instanceof String href ? href : "");
  }

  private URI resolve(Transport.Call request, String href) {
    var address = href.isEmpty() ? null : Urls.resolve(request.uri(), href);
    if (address == null) {
      throw badResponse(request, "it does not say where to send a file");
    }
    if (Urls.losesEncryption(request.uri(), address)) {
      throw badResponse(request, "it requests an upload without encryption");
    }
    return address;
  }

  private Transport.Call post(String path, Map<String, ?> body, String type) {
    return json("POST", settings.address(path), JsonMapper.shared().writeValueAsBytes(body), type);
  }

  private static Transport.Call json(String method, URI uri, byte[] body, String type) {
    return Transport.Call.send(method, uri, () -> HttpRequest.BodyPublishers.ofByteArray(body))
        .with("Content-Type", type)
        .with("Accept", type);
  }

  private Map<String, @Nullable Object> requestJson(Transport.Call call) {
    try (var response = transport.send(call, target)) {
      return Json.parseObject(
          new ByteArrayInputStream(response.body().readAtMost(MAX_RESPONSE_BYTES)),
          Urls.show(response.uri()));
    } catch (ModelFormatException e) {
      var failure = badResponse(call, "its response is not JSON");
      failure.addSuppressed(e);
      throw failure;
    } catch (IOException e) {
      throw Failures.unreachable(call.uri(), target, e, 1);
    }
  }

  private HubException badResponse(Transport.Call call, String what) {
    return Failures.badResponse(call.uri(), target, what);
  }
}
