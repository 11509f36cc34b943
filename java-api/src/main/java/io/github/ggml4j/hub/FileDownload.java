package io.github.ggml4j.hub;

import io.github.ggml4j.hub.HubException.Reason;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Objects;
import java.util.regex.Pattern;

/** Downloads one file of a commit into the cache. */
final class FileDownload {
  private static final System.Logger LOG = System.getLogger(FileDownload.class.getName());
  private static final Pattern CONTENT_RANGE =
      Pattern.compile("bytes (\\d{1,18})-(\\d{1,18})/(\\d{1,18}|\\*)");
  private static final int CHUNK = 128 << 10;

  private final HubSettings settings;
  private final Transport transport;
  private final HubCache cache;
  private final Target target;
  private final String path;
  private final String commit;
  private final Progress progress;

  FileDownload(
      HubSettings settings,
      Transport transport,
      HubCache cache,
      Target target,
      String commit,
      Progress progress) {
    this.settings = settings;
    this.transport = transport;
    this.cache = cache;
    this.target = target;
    this.path = Objects.requireNonNull(target.path());
    this.commit = commit;
    this.progress = progress;
  }

  /**
   * Downloads the file unless it is cached.
   *
   * @return its path in the commit's folder
   */
  Path run() {
    var pointer = cache.pointer(commit, path);
    try {
      if (Files.isRegularFile(pointer)) {
        progress.update(path, Files.size(pointer));
        progress.finish(path);
        return pointer;
      }
      return run(metadata());
    } catch (IOException e) {
      throw Failures.cache(pointer, e);
    }
  }

  /** Downloads the file with this metadata unless it is cached. */
  Path run(FileMetadata file) {
    var pointer = cache.pointer(commit, path);
    try {
      cache.prepare();
      if (!linkCached(file.etag(), file.size(), pointer)) {
        download(file);
        cache.link(cache.blob(file.etag()), pointer);
        progress.finish(path);
      }
      return pointer;
    } catch (IOException e) {
      if (Thread.currentThread().isInterrupted()) {
        throw Waiting.interrupted();
      }
      throw Failures.cache(pointer, e);
    }
  }

  /**
   * Links the file if its content is cached under another name or in another commit.
   *
   * @return whether it was cached
   */
  private boolean linkCached(String etag, long size, Path pointer) throws IOException {
    var blob = cache.blob(etag);
    if (!Files.isRegularFile(blob) || (size >= 0 && Files.size(blob) != size)) {
      return false;
    }
    cache.link(blob, pointer);
    progress.add(path, Files.size(blob));
    progress.update(path, Files.size(blob));
    progress.finish(path);
    return true;
  }

  /** Requests the metadata of the file. */
  FileMetadata metadata() {
    try {
      var file = FileMetadata.of(settings, transport, target, commit);
      if (!file.commit().equals(commit)) {
        throw Failures.badResponse(
            file.location(),
            target,
            "it returned commit " + file.commit() + " instead of " + commit);
      }
      return file;
    } catch (HubException e) {
      if (e.reason() == Reason.ENTRY_NOT_FOUND) {
        cache.markMissing(commit, path);
      }
      throw e;
    }
  }

  private void download(FileMetadata file) throws IOException {
    progress.add(path, file.size());
    var blob = cache.blob(file.etag());
    for (boolean again = false; ; again = true) {
      try (var partial = PartialFile.of(blob)) {
        boolean resumed = partial.channel().size() > 0;
        checkSpace(partial.path(), file.size() - partial.channel().size());
        transfer(file, partial.channel());
        if (Checksum.matches(partial.path(), file.etag())) {
          partial.complete(blob);
          return;
        }
        partial.discard();
        if (again || !resumed) {
          throw new HubException(
              Reason.CHECKSUM,
              target
                  + ": the downloaded file does not have the checksum "
                  + file.etag()
                  + " that the Hub announced. It was deleted. Try again; if that fails, a proxy or"
                  + " mirror changes the files.");
        }
        LOG.log(
            System.Logger.Level.DEBUG,
            "The partial download of {0} was damaged; downloading it again",
            path);
      }
    }
  }

  private void checkSpace(Path folder, long needed) throws IOException {
    FileStore store = Files.getFileStore(folder);
    long free = store.getUsableSpace();
    if (free > 0 && needed > free) {
      throw new HubException(
          Reason.DISK_FULL,
          String.format(
              Locale.ROOT,
              "%s: %,d bytes are needed and %,d are free in %s. Free some space, or set"
                  + " HF_HUB_CACHE to a folder on another disk.",
              target,
              needed,
              free,
              settings.cache()));
    }
  }

  /** Receives the rest of the file. Resumes after a broken connection. */
  private void transfer(FileMetadata file, FileChannel out) throws IOException {
    long size = file.size();
    if (size < 0 || out.size() > size) {
      out.truncate(0); // the partial file cannot be resumed
    }
    var location = file.location();
    int failures = 0;
    boolean renewed = false;
    while (size < 0 || out.size() < size) {
      long before = out.size();
      try {
        size = receive(new FileMetadata(commit, file.etag(), size, location), out);
        if (out.size() >= size) {
          break;
        }
        throw new ConnectionBroken(
            new IOException("it ends " + (size - out.size()) + " bytes early"));
      } catch (HubException e) {
        if (e.reason() != Reason.UNAUTHORIZED || renewed) {
          throw e;
        }
        renewed = true; // a signed URL expires
        location = metadata().location();
      } catch (ConnectionBroken e) {
        if (Thread.currentThread().isInterrupted()) {
          throw Waiting.interrupted();
        }
        failures = out.size() > before ? 1 : failures + 1;
        if (failures > settings.retries()) {
          throw Failures.unreachable(location, target, e.getCause(), failures);
        }
        Waiting.sleep(Waiting.backoff(settings.retryDelay(), failures - 1));
      }
    }
    progress.update(path, out.size());
  }

  /** A failure of the network, as opposed to the disk. */
  private static final class ConnectionBroken extends Exception {
    private static final long serialVersionUID = 1L;
    private final IOException cause;

    ConnectionBroken(IOException cause) {
      super(cause);
      this.cause = cause;
    }

    @Override
    public synchronized IOException getCause() {
      return cause;
    }
  }

  /**
   * Receives the body of one response.
   *
   * @return the size of the file, which may be known only from the response
   */
  private long receive(FileMetadata file, FileChannel out) throws IOException, ConnectionBroken {
    long start = out.size();
    var call = Transport.Call.get(file.location());
    if (start > 0) {
      call = call.with("Range", "bytes=" + start + "-");
    }
    try (var response = transport.send(call, target)) {
      long size = checkResponse(response, file, start);
      if (response.status() != 206 && start > 0) {
        out.truncate(0); // the server ignores the range and sends the whole file
      }
      out.position(out.size());
      byte[] chunk = new byte[CHUNK];
      long limit = size >= 0 ? size : Long.MAX_VALUE;
      while (out.size() < limit) {
        int n = read(response.body(), chunk);
        if (n < 0) {
          break;
        }
        if (n > limit - out.size()) {
          throw Failures.badResponse(
              response.uri(), target, "it sent more than the announced " + size + " bytes");
        }
        var bytes = ByteBuffer.wrap(chunk, 0, n);
        while (bytes.hasRemaining()) {
          out.write(bytes);
        }
        progress.update(path, out.size());
      }
      return size >= 0 ? size : out.size();
    }
  }

  private static int read(InputStream in, byte[] chunk) throws ConnectionBroken {
    try {
      return in.read(chunk);
    } catch (IOException e) {
      throw new ConnectionBroken(e);
    }
  }

  private long checkResponse(Response response, FileMetadata file, long start) {
    var encoding = response.header("content-encoding");
    if (encoding != null && !encoding.equalsIgnoreCase("identity")) {
      throw Failures.badResponse(
          response.uri(), target, "the content is compressed, though no compression was requested");
    }
    if (response.status() == 206) {
      var range = response.header("content-range");
      var matcher = CONTENT_RANGE.matcher(range == null ? "" : range);
      if (!matcher.matches() || Long.parseLong(matcher.group(1)) != start) {
        throw Failures.badResponse(
            response.uri(), target, "it sent another range of the file than was requested");
      }
    } else if (response.status() != 200) {
      throw Failures.badResponse(
          response.uri(), target, "it returned status " + response.status() + " for a file");
    }
    return file.size() >= 0 || response.status() == 206
        ? file.size()
        : response.number("content-length");
  }
}
