package io.github.ggml4j.format.tensorflow;

import org.jspecify.annotations.Nullable;

/** Decoder of the Snappy format. Source: {@code format_description.txt} of Google's snappy. */
final class Snappy {
  /** Three bytes can copy 64, so that nothing grows by more. */
  private static final int MAX_GROWTH = 22;

  private Snappy() {}

  /** The original bytes, or null when these are no Snappy or would take more than {@code most}. */
  static byte @Nullable [] decode(byte[] from, int most) {
    int in = 0;
    long length = 0;
    int shift = 0;
    int b;
    do {
      if (in == from.length || shift > 28) {
        return null;
      }
      b = from[in++] & 0xff;
      length |= (long) (b & 0x7f) << shift;
      shift += 7;
    } while (b >= 0x80);
    if (length > most || length > (long) MAX_GROWTH * from.length) {
      return null;
    }
    byte[] to = new byte[(int) length];
    int out = 0;
    while (in < from.length) {
      int tag = from[in++] & 0xff;
      int kind = tag & 3;
      int more = kind == 0 ? Math.max((tag >> 2) - 59, 0) : kind == 3 ? 4 : kind;
      if (more > from.length - in) {
        return null;
      }
      long number = 0;
      for (int i = 0; i < more; i++) {
        number |= (from[in++] & 0xffL) << (8 * i);
      }
      long count;
      if (kind == 0) {
        count = 1 + (more == 0 ? tag >> 2 : number);
        if (count > from.length - in || count > to.length - out) {
          return null;
        }
        System.arraycopy(from, in, to, out, (int) count);
        in += (int) count;
      } else {
        count = kind == 1 ? 4 + (tag >> 2 & 7) : 1 + (tag >> 2);
        long distance = kind == 1 ? number | (long) (tag >> 5) << 8 : number;
        if (distance == 0 || distance > out || count > to.length - out) {
          return null;
        }
        for (int i = 0; i < count; i++) { // byte by byte: the copy may overlap itself
          to[out + i] = to[out + i - (int) distance];
        }
      }
      out += (int) count;
    }
    return out == to.length ? to : null;
  }
}
