package io.github.ggml4j.hub;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.http.HttpRequest;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Base64;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/** The content to publish as one file: a file on disk, or a text. */
final class Upload {
  private static final int SAMPLE = 512;

  private final String path;
  private final @Nullable Path file;
  private final byte[] text;
  private final long size;

  private Upload(String path, @Nullable Path file, byte[] text, long size) {
    this.path = path;
    this.file = file;
    this.text = text;
    this.size = size;
  }

  static Upload of(String path, Path file) throws IOException {
    return new Upload(path, file, new byte[0], Files.size(file));
  }

  static Upload of(String path, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    return new Upload(path, null, bytes, bytes.length);
  }

  String path() {
    return path;
  }

  long size() {
    return size;
  }

  /** The first bytes in base64. The server determines the kind of file from them. */
  String sample() throws IOException {
    try (InputStream in = open()) {
      return Base64.getEncoder().encodeToString(in.readNBytes(SAMPLE));
    }
  }

  String sha256() throws IOException {
    try (InputStream in = open()) {
      return Checksum.hash(in, "SHA-256", "");
    }
  }

  /** The SHA-1 of the content as a Git blob. */
  String gitId() throws IOException {
    try (InputStream in = open()) {
      return Checksum.hash(in, "SHA-1", "blob " + size + "\0");
    }
  }

  InputStream open() throws IOException {
    return file == null ? new ByteArrayInputStream(text) : Files.newInputStream(file);
  }

  /** Writes the content in base64. */
  void writeBase64(OutputStream out) throws IOException {
    byte[] chunk = new byte[3 << 14]; // a multiple of 3, so that no chunk but the last is padded
    try (InputStream in = open()) {
      for (int n = in.readNBytes(chunk, 0, chunk.length);
          n > 0;
          n = in.readNBytes(chunk, 0, chunk.length)) {
        out.write(Base64.getEncoder().encode(n == chunk.length ? chunk : Arrays.copyOf(chunk, n)));
      }
    }
  }

  /**
   * A range of the content as the body of a request, with its length.
   *
   * @param listener gets the number of bytes of the range that were read for sending
   */
  HttpRequest.BodyPublisher range(long offset, long length, LongConsumer listener) {
    return HttpRequest.BodyPublishers.fromPublisher(
        HttpRequest.BodyPublishers.ofInputStream(() -> open(offset, length, listener)), length);
  }

  private InputStream open(long offset, long length, LongConsumer listener) {
    try {
      if (file == null) {
        var bytes = new ByteArrayInputStream(text, (int) offset, (int) length);
        return new Range(bytes, length, listener);
      }
      var channel = FileChannel.open(file, StandardOpenOption.READ);
      channel.position(offset);
      return new Range(Channels.newInputStream(channel), length, listener);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The first {@code length} bytes of a stream. Reports the number of bytes read. */
  private static final class Range extends InputStream {
    private final InputStream in;
    private final long length;
    private final LongConsumer listener;
    private long done;

    Range(InputStream in, long length, LongConsumer listener) {
      this.in = in;
      this.length = length;
      this.listener = listener;
    }

    @Override
    public int read() throws IOException {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] target, int offset, int count) throws IOException {
      if (done >= length) {
        return -1;
      }
      int n = in.read(target, offset, (int) Math.min(count, length - done));
      done += Math.max(0, n);
      listener.accept(done);
      return n;
    }

    @Override
    public void close() throws IOException {
      in.close();
    }
  }
}
