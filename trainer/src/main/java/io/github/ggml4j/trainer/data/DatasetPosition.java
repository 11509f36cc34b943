package io.github.ggml4j.trainer.data;

import java.util.Arrays;

/**
 * How far a pass over a dataset has come. Goes to a file as bytes, and is good for a pass over the
 * same dataset with the same settings, in this process or another.
 */
public final class DatasetPosition {

  private final byte[] bytes;

  private DatasetPosition(byte[] bytes) {
    this.bytes = bytes;
  }

  /**
   * A position that was saved.
   *
   * @param bytes what {@link #toBytes} gave
   * @return the position; it is checked when it is used
   */
  public static DatasetPosition fromBytes(byte[] bytes) {
    return new DatasetPosition(bytes.clone());
  }

  /**
   * The position to save. A few dozen bytes, or as much text as the window of a shuffle holds.
   *
   * @return the bytes
   */
  public byte[] toBytes() {
    return bytes.clone();
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof DatasetPosition position && Arrays.equals(bytes, position.bytes);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(bytes);
  }

  @Override
  public String toString() {
    return "DatasetPosition[" + bytes.length + " bytes]";
  }
}
