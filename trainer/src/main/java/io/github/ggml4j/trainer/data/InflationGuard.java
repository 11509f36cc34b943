package io.github.ggml4j.trainer.data;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;

/**
 * Stops decompression bombs: counts what comes out of a compressed file over one pass and fails
 * when it is out of proportion to the file's size. Real text shrinks about 3 to 20 times, bombs
 * about 1,000 times.
 */
final class InflationGuard {

  private static final long MAX_RATIO = 250;
  private static final long ALWAYS_ALLOWED = 16L << 20;

  private final String name;
  private final long limit;
  private long inflated;

  InflationGuard(String name, long compressedBytes) {
    this.name = name;
    this.limit = ALWAYS_ALLOWED + MAX_RATIO * Math.min(compressedBytes, Long.MAX_VALUE >> 10);
  }

  InputStream watch(InputStream in) {
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
              + " unpacks to more than "
              + limit
              + " bytes, more than "
              + MAX_RATIO
              + " times its size: this looks like a decompression bomb. Unpack it yourself if it is"
              + " not.");
    }
  }
}
