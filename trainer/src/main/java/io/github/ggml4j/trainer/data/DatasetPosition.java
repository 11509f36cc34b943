package io.github.ggml4j.trainer.data;

import io.github.ggml4j.trainer.error.DatasetException;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInput;
import java.io.DataInputStream;
import java.io.DataOutput;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Arrays;

/**
 * A position between two documents of a dataset. It can be saved as bytes, and used in another
 * process for the same dataset with the same settings.
 */
public final class DatasetPosition {

  /** Writes the fields of a position. */
  interface Writer {
    void write(DataOutput out) throws IOException;
  }

  /** Reads the fields of a position. */
  interface Reader {
    void read(DataInput in) throws IOException;
  }

  private final byte[] bytes;

  private DatasetPosition(byte[] bytes) {
    this.bytes = bytes;
  }

  /** A position with these fields. */
  static DatasetPosition of(Writer writer) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (DataOutputStream out = new DataOutputStream(bytes)) {
      writer.write(out);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return new DatasetPosition(bytes.toByteArray());
  }

  /**
   * Reads all fields.
   *
   * @throws DatasetException if the reader finds them damaged or does not read all of them
   */
  void read(Reader reader) {
    ByteArrayInputStream in = new ByteArrayInputStream(bytes);
    try {
      reader.read(new DataInputStream(in));
      if (in.available() > 0) {
        throw new IOException(in.available() + " bytes are left after its last field");
      }
    } catch (IOException e) {
      throw new DatasetException("The position in the dataset is damaged: " + e.getMessage(), e);
    }
  }

  /**
   * A saved position.
   *
   * @param bytes from {@link #toBytes}
   * @return the position; it is checked when it is used
   */
  public static DatasetPosition fromBytes(byte[] bytes) {
    return new DatasetPosition(bytes.clone());
  }

  /**
   * The position as bytes: usually a few dozen. A position in a shuffled dataset includes the rows
   * of the shuffle window.
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
