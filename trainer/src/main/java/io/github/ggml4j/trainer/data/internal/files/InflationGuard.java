package io.github.ggml4j.trainer.data.internal.files;

import io.github.ggml4j.trainer.error.DatasetException;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;

/**
 * Detects decompression bombs: counts the decompressed bytes of a file and throws if they exceed
 * the file's size by a large factor. Text compresses 3 to 20 times, bombs compress about 1,000
 * times.
 */
public final class InflationGuard {

  private static final long MAX_RATIO = 250;
  private static final long ALWAYS_ALLOWED = 16L << 20;

  private final String name;
  private final long limit;
  private long inflated;

  /**
   * A guard.
   *
   * @param name of the file, for messages
   * @param compressedBytes size of the file
   */
  public InflationGuard(String name, long compressedBytes) {
    this.name = name;
    this.limit = ALWAYS_ALLOWED + MAX_RATIO * Math.min(compressedBytes, Long.MAX_VALUE >> 10);
  }

  /** Counts the bytes of a decompressed stream. Several streams of one file add up. */
  public InputStream watch(InputStream in) {
    return new FilterInputStream(in) {
      @Override
      public int read() throws IOException {
        int b = super.read();
        count(b < 0 ? 0 : 1);
        return b;
      }

      @Override
      public int read(byte[] buffer, int offset, int length) throws IOException {
        int read = super.read(buffer, offset, length);
        count(Math.max(0, read));
        return read;
      }
    };
  }

  private void count(int bytes) {
    inflated += bytes;
    if (inflated > limit) {
      throw new DatasetException(
          name
              + " decompresses to more than "
              + limit
              + " bytes, over "
              + MAX_RATIO
              + " times its size: this looks like a decompression bomb. If it is not, decompress"
              + " the file and use the result.");
    }
  }
}
