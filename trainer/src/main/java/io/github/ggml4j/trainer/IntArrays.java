package io.github.ggml4j.trainer;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** Reads and writes arrays in checkpoints. */
final class IntArrays {
  private static final int MAX_COUNT = 1 << 28;
  private static final int MAX_BYTES = 1 << 30;

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
    if (length < 0 || length > MAX_BYTES) {
      throw new IOException("a field has a length of " + length + " bytes");
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
    if (count < 0 || count > MAX_COUNT) {
      throw new IOException("a list has " + count + " items");
    }
    return count;
  }
}
