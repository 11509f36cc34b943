package io.github.ggml4j.trainer.internal.checkpoint;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.CRC32C;

/**
 * Size and checksum of a file.
 *
 * @param bytes its size
 * @param crc32c its checksum (CRC-32C)
 */
record FileEntry(long bytes, long crc32c) {
  private static final int BUFFER = 1 << 20;

  /** Reads a file. */
  static FileEntry of(Path file) throws IOException {
    var checksum = new CRC32C();
    long size = 0;
    byte[] buffer = new byte[BUFFER];
    try (InputStream in = Files.newInputStream(file)) {
      for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
        checksum.update(buffer, 0, count);
        size += count;
      }
    }
    return new FileEntry(size, checksum.getValue());
  }
}
