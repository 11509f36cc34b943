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
  private static final Set<String> LEFT_OUT = Set.of(".git", ".cache", ".DS_Store", "__pycache__");
  private static final int BATCH = 256;
  private static final int MOST_FILES = 10_000;
  private static final int LARGEST_ANSWER = 16 << 20;
  private static final int MOST_PARTS = 10_000;

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
    if (files.isEmpty() || files.size() > MOST_FILES) {
      throw new InvalidArgumentException(
          "folder", folder + " with " + files.size() + " files", "1 to " + MOST_FILES + " files");
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
      if (LEFT_OUT.contains(part)) {
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

  /** What the server does with a file. */
  private record Mode(boolean large, boolean ignored, @Nullable String oid) {}

  private Map<String, Mode> modes(List<Upload> files) throws IOException {
    Map<String, Mode> modes = new HashMap<>();
    for (int i = 0; i < files.size(); i += BATCH) {
      List<Map<String, Object>> described = new ArrayList<>();
      for (Upload file : files.subList(i, Math.min(files.size(), i + BATCH))) {
        described.add(Map.of("path", file.path(), "sample", file.sample(), "size", file.size()));
      }
      var call =
          post(
              repo.apiPath() + "/preupload/" + Urls.encode(revision),
              Map.of("files", described),
              JSON);
      var answer = ask(call);
      if (!(answer.get("files") instanceof List<?> told)) {
        throw nonsense(call, "it does not say how to upload the files");
      }
      for (Object item : told) {
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
   * Sends large files to the storage that the server names; those that it has, it does not ask for.
   */
  private void store(Map<Upload, String> hashes) throws IOException {
    List<Map.Entry<Upload, String>> files = List.copyOf(hashes.entrySet());
    hashes.keySet().forEach(file -> progress.add(file.path(), file.size()));
    for (int i = 0; i < files.size(); i += BATCH) {
      var batch = files.subList(i, Math.min(files.size(), i + BATCH));
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
      if (!(ask(call).get("objects") instanceof List<?> told)) {
        throw nonsense(call, "it does not say where to send large files");
      }
      for (Object item : told) {
        if (!(item instanceof Map<?, ?> object)
            || !(object.get("oid") instanceof String oid)
            || !byHash.containsKey(oid)) {
          throw nonsense(call, "it requests a file that was not offered");
        }
        if (object.get("error") instanceof Map<?, ?> error) {
          throw nonsense(
              call, "it refuses a file: " + Names.quote(String.valueOf(error.get("message"))));
        }
        if (object.get("actions") instanceof Map<?, ?> actions) {
          send(call, byHash.get(oid), oid, actions);
        }
      }
      for (var file : batch) { // Of some the server has the content
        progress.update(file.getKey().path(), file.getKey().size());
        progress.finish(file.getKey().path());
      }
    }
  }

  private void send(Transport.Call asked, Upload file, String oid, Map<?, ?> actions) {
    var upload = address(asked, actions.get("upload"));
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
      sendParts(asked, file, oid, upload, header);
    }
    var verify = address(asked, actions.get("verify"));
    if (verify != null) {
      byte[] body = JsonMapper.shared().writeValueAsBytes(Map.of("oid", oid, "size", file.size()));
      transport.send(json("POST", verify, body, LFS), target(file)).close();
    }
  }

  private HttpRequest.BodyPublisher part(Upload file, long offset, long length) {
    return file.range(offset, length, sent -> progress.update(file.path(), offset + sent));
  }

  private void sendParts(
      Transport.Call asked, Upload file, String oid, URI completion, Map<?, ?> header) {
    var text = String.valueOf(header.get("chunk_size"));
    long chunk = text.matches("\\d{1,15}") ? Long.parseLong(text) : 0;
    long count = chunk <= 0 ? 0 : (file.size() + chunk - 1) / chunk;
    if (count < 1 || count > MOST_PARTS) {
      throw nonsense(asked, "it wants parts of " + Names.quote(text) + " bytes");
    }
    Map<Long, URI> addresses = new TreeMap<>();
    header.forEach((key, value) -> {
      if (String.valueOf(key).matches("\\d{1,9}")) {
        addresses.put(Long.parseLong(String.valueOf(key)), resolve(asked, String.valueOf(value)));
      }
    });
    if (addresses.size() != count) {
      throw nonsense(asked, "it wants " + count + " parts and names " + addresses.size());
    }
    List<Map<String, Object>> parts = new ArrayList<>();
    for (URI address : addresses.values()) {
      long offset = chunk * parts.size();
      long length = Math.min(chunk, file.size() - offset);
      var call = Transport.Call.send("PUT", address, () -> part(file, offset, length));
      try (var response = transport.send(call, target(file))) {
        var etag = response.header("etag");
        if (etag == null) {
          throw nonsense(call, "it does not confirm a part");
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
      var answer = ask(call);
      if (!(answer.get("commitOid") instanceof String commit)
          || !(answer.get("commitUrl") instanceof String url)) {
        throw nonsense(call, "it names no commit");
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

  private @Nullable URI address(Transport.Call asked, @Nullable Object action) {
    if (action == null) {
      return null;
    }
    return resolve(
        asked,
        action instanceof Map<?, ?> map && map.get("href") instanceof String href ? href : "");
  }

  private URI resolve(Transport.Call asked, String href) {
    var address = href.isEmpty() ? null : Urls.resolve(asked.uri(), href);
    if (address == null) {
      throw nonsense(asked, "it does not say where to send a file");
    }
    if (Urls.losesEncryption(asked.uri(), address)) {
      throw nonsense(asked, "it wants a file sent without encryption");
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

  private Map<String, @Nullable Object> ask(Transport.Call call) {
    try (var response = transport.send(call, target)) {
      return Json.parseObject(
          new ByteArrayInputStream(response.body().readAtMost(LARGEST_ANSWER)),
          Urls.show(response.uri()));
    } catch (ModelFormatException e) {
      var failure = nonsense(call, "what it sends is no JSON");
      failure.addSuppressed(e);
      throw failure;
    } catch (IOException e) {
      throw Failures.unreachable(call.uri(), target, e, 1);
    }
  }

  private HubException nonsense(Transport.Call call, String what) {
    return Failures.badResponse(call.uri(), target, what);
  }
}
