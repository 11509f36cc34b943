package io.github.ggml4j.trainer;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** Writes sequences of tokens into checkpoints, and reads them. */
final class IntArrays {
  private static final int MOST = 1 << 28;
  private static final int MOST_BYTES = 1 << 30;

  private IntArrays() {}

  static void writeInts(DataOutput out, int[] values) throws IOException {
    out.writeInt(values.length);
    for (int value : values) {
      out.writeInt(value);
    }
  }

  static int[] readInts(DataInput in) throws IOException {
    int[] values = new int[count(in)];
    for (int i = 0; i < values.length; i++) {
      values[i] = in.readInt();
    }
    return values;
  }

  static void writeBytes(DataOutput out, byte[] bytes) throws IOException {
    out.writeInt(bytes.length);
    out.write(bytes);
  }

  static byte[] readBytes(DataInput in) throws IOException {
    int length = in.readInt();
    if (length < 0 || length > MOST_BYTES) {
      throw new IOException("it has a field of " + length + " bytes");
    }
    byte[] bytes = new byte[length];
    in.readFully(bytes);
    return bytes;
  }

  static void writeAll(DataOutput out, List<int[]> sequences) throws IOException {
    out.writeInt(sequences.size());
    for (int[] sequence : sequences) {
      writeInts(out, sequence);
    }
  }

  static List<int[]> readAll(DataInput in) throws IOException {
    int count = count(in);
    List<int[]> sequences = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      sequences.add(readInts(in));
    }
    return sequences;
  }

  private static int count(DataInput in) throws IOException {
    int count = in.readInt();
    if (count < 0 || count > MOST) {
      throw new IOException("a list has " + count + " items");
    }
    return count;
  }
}
