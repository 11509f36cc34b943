package io.github.ggml4j.trainer.data.internal.rows;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** Compares and serializes values of rows: String, Long, Double, Boolean or null. */
public final class Values {

  private static final int MAX_PIECE = 1 << 16;

  private Values() {}

  /** Whether a cell equals a wanted value. Text equals a number if it parses to that number. */
  public static boolean equal(@Nullable Object cell, Object wanted) {
    if (cell == null) {
      return false;
    }
    if (wanted instanceof Number number) {
      if (cell instanceof Long whole && !isFraction(number)) {
        return whole == number.longValue();
      }
      return sameNumber(cell, number.doubleValue());
    }
    return cell.toString().equals(wanted.toString());
  }

  private static boolean isFraction(Number number) {
    return number instanceof Double || number instanceof Float;
  }

  private static boolean sameNumber(Object cell, double wanted) {
    if (cell instanceof Number number) {
      return number.doubleValue() == wanted;
    }
    try {
      return Double.parseDouble(cell.toString()) == wanted;
    } catch (NumberFormatException e) {
      return false;
    }
  }

  static void write(DataOutput out, @Nullable Object value) throws IOException {
    switch (value) {
      case null -> out.writeByte(0);
      case String text -> {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        out.writeByte(1);
        out.writeInt(bytes.length);
        out.write(bytes);
      }
      case Long number -> {
        out.writeByte(2);
        out.writeLong(number);
      }
      case Double number -> {
        out.writeByte(3);
        out.writeDouble(number);
      }
      case Boolean truth -> {
        out.writeByte(4);
        out.writeBoolean(truth);
      }
      default -> throw new IllegalStateException("a value of " + value.getClass());
    }
  }

  static @Nullable Object read(DataInput in) throws IOException {
    return switch (in.readByte()) {
      case 0 -> null;
      case 1 -> new String(readBytes(in, in.readInt()), StandardCharsets.UTF_8);
      case 2 -> in.readLong();
      case 3 -> in.readDouble();
      case 4 -> in.readBoolean();
      default -> throw new IOException("a value of unknown kind");
    };
  }

  /** Reads in pieces. A wrong length therefore allocates little more memory than the input has. */
  private static byte[] readBytes(DataInput in, int length) throws IOException {
    if (length < 0) {
      throw new IOException("text of " + length + " bytes");
    }
    byte[] bytes = new byte[Math.min(length, MAX_PIECE)];
    int filled = 0;
    while (filled < length) {
      if (filled == bytes.length) {
        bytes = Arrays.copyOf(bytes, (int) Math.min(length, 2L * filled));
      }
      in.readFully(bytes, filled, bytes.length - filled);
      filled = bytes.length;
    }
    return bytes;
  }
}
