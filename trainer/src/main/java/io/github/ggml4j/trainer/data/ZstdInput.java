package io.github.ggml4j.trainer.data;

import com.github.luben.zstd.ZstdInputStream;
import java.io.IOException;
import java.io.InputStream;

/** Decompresses zstd, several frames one after the other included. */
final class ZstdInput {

  /** Largest window, as a power of two: 128 MiB, as the zstd tool allows without asking. */
  private static final int LONGEST_WINDOW = 27;

  private ZstdInput() {}

  static InputStream open(InputStream in) throws IOException {
    ZstdInputStream decompressed = new ZstdInputStream(in);
    decompressed.setLongMax(LONGEST_WINDOW);
    return decompressed;
  }
}
