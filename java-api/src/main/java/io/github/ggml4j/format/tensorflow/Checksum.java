package io.github.ggml4j.format.tensorflow;

import java.lang.foreign.MemorySegment;
import java.util.zip.CRC32C;

/** CRC-32C, masked as LevelDB does, since what it is of may hold checksums itself. */
final class Checksum {
  private static final int MASK = 0xa282_ead8;

  /** A buffer of Java reaches to 2 GiB. */
  private static final long PIECE = 1 << 30;

  private Checksum() {}

  static int of(MemorySegment bytes) {
    CRC32C crc = new CRC32C();
    for (long at = 0; at < bytes.byteSize(); at += PIECE) {
      crc.update(bytes.asSlice(at, Math.min(PIECE, bytes.byteSize() - at)).asByteBuffer());
    }
    return Integer.rotateRight((int) crc.getValue(), 15) + MASK;
  }
}
