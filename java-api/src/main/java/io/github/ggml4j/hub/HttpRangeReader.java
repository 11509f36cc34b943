package io.github.ggml4j.hub;

import io.github.ggml4j.hub.HubException.Reason;
import io.github.ggml4j.internal.Check;
import java.io.IOException;
import java.net.URI;
import java.nio.ByteBuffer;
import java.util.regex.Pattern;

/** A file on the Hub, read by range requests. */
final class HttpRangeReader implements RangeReader {
  private static final Pattern CONTENT_RANGE =
      Pattern.compile("bytes (\\d{1,18})-(\\d{1,18})/(\\d{1,18}|\\*)");

  /** The most bytes that are skipped if a server ignores the range and sends the whole file. */
  private static final long MAX_SKIPPED_BYTES = 16L << 20;

  private final HubSettings settings;
  private final Transport transport;
  private final Target target;
  private final String commit;
  private final long size;
  private volatile URI location;
  private volatile boolean closed;

  HttpRangeReader(
      HubSettings settings, Transport transport, Target target, String commit, FileMetadata file) {
    this.settings = settings;
    this.transport = transport;
    this.target = target;
    this.commit = commit;
    this.size = file.size();
    this.location = file.location();
  }

  @Override
  public String name() {
    return target.repo().id() + "/" + target.path();
  }

  @Override
  public long size() {
    return size;
  }

  @Override
  public boolean isRemote() {
    return true;
  }

  @Override
  public int read(long offset, ByteBuffer buffer) {
    Check.atLeast("offset", offset, 0);
    if (closed) {
      throw new IllegalStateException("Already closed: " + target);
    }
    if (offset >= size) {
      return -1;
    }
    int wanted = (int) Math.min(buffer.remaining(), size - offset);
    int start = buffer.position();
    int failures = 0;
    boolean renewed = false;
    while (buffer.position() - start < wanted) {
      int before = buffer.position();
      int done = before - start;
      try {
        readRange(offset + done, wanted - done, buffer);
      } catch (HubException e) {
        if (e.reason() != Reason.UNAUTHORIZED || renewed) {
          throw e;
        }
        renewed = true; // A signed address expires
        location = FileMetadata.of(settings, transport, target, commit).location();
      } catch (IOException e) {
        if (Thread.currentThread().isInterrupted()) {
          throw Waiting.interrupted();
        }
        failures = buffer.position() > before ? 1 : failures + 1;
        if (failures > settings.retries()) {
          throw Failures.unreachable(location, target, e, failures);
        }
        Waiting.sleep(Waiting.backoff(settings.retryDelay(), failures - 1));
      }
    }
    return wanted;
  }

  private void readRange(long offset, int count, ByteBuffer buffer) throws IOException {
    var call =
        Transport.Call.get(location).with("Range", "bytes=" + offset + "-" + (offset + count - 1));
    try (var response = transport.send(call, target)) {
      if (response.status() == 206) {
        checkRange(response, offset, count);
      } else if (response.status() == 200 && offset <= MAX_SKIPPED_BYTES) {
        response.body().skipNBytes(offset);
      } else {
        throw Failures.badResponse(
            response.uri(), target, "it does not send parts of a file; download the file instead");
      }
      byte[] chunk = new byte[Math.min(count, 64 << 10)];
      for (int left = count; left > 0; ) {
        int n = response.body().read(chunk, 0, Math.min(left, chunk.length));
        if (n < 0) {
          throw new IOException("the response ends " + left + " bytes early");
        }
        buffer.put(chunk, 0, n);
        left -= n;
      }
    }
  }

  private void checkRange(Response response, long offset, int count) {
    var matcher = CONTENT_RANGE.matcher(response.headers().firstValue("content-range").orElse(""));
    boolean right =
        matcher.matches()
            && Long.parseLong(matcher.group(1)) == offset
            && Long.parseLong(matcher.group(2)) >= offset + count - 1
            && (matcher.group(3).equals("*") || Long.parseLong(matcher.group(3)) == size);
    if (!right) {
      throw Failures.badResponse(
          response.uri(), target, "it sends another part of the file than requested");
    }
  }

  @Override
  public void close() {
    closed = true;
  }
}
