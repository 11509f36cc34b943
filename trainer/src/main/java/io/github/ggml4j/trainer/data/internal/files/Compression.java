package io.github.ggml4j.trainer.data.internal.files;

import com.github.luben.zstd.ZstdInputStream;
import io.github.ggml4j.trainer.error.DatasetException;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.Locale;
import java.util.zip.GZIPInputStream;

/** The compression of a file, determined by the ending of its name. */
public enum Compression {
  NONE(""),
  GZIP(".gz"),
  ZSTD(".zst");

  private static final int BUFFER = 1 << 16;

  /** The largest window as a power of two: 128 MiB, the default limit of the zstd tool. */
  private static final int ZSTD_WINDOW_LOG_MAX = 27;

  private final String ending;

  Compression(String ending) {
    this.ending = ending;
  }

  /** The compression of a file with this name. */
  public static Compression of(String name) {
    String lower = name.toLowerCase(Locale.ROOT);
    return lower.endsWith(GZIP.ending) ? GZIP : lower.endsWith(ZSTD.ending) ? ZSTD : NONE;
  }

  /** The name without the ending of its compression. */
  public static String withoutEnding(String name) {
    return name.substring(0, name.length() - of(name).ending.length());
  }

  /**
   * The decompressed content, buffered.
   *
   * @param compressed the content of the file; closed with the returned stream
   * @param name of the file, for messages
   * @param size of the file in bytes, which bounds the decompressed size
   * @throws DatasetException if the content is not compressed this way
   */
  public InputStream decompress(InputStream compressed, String name, long size) {
    try {
      return switch (this) {
        case NONE -> new BufferedInputStream(compressed, BUFFER);
        case GZIP -> guarded(new GZIPInputStream(compressed, BUFFER), name, size);
        case ZSTD -> {
          // ZstdInputStream reads all frames of the file.
          ZstdInputStream zstd = new ZstdInputStream(compressed);
          zstd.setLongMax(ZSTD_WINDOW_LOG_MAX);
          yield guarded(zstd, name, size);
        }
      };
    } catch (IOException e) {
      throw InputFiles.unreadable(name, e);
    }
  }

  private static InputStream guarded(InputStream in, String name, long size) {
    return new BufferedInputStream(new InflationGuard(name, size).watch(in), BUFFER);
  }
}
