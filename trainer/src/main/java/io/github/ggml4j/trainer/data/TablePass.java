package io.github.ggml4j.trainer.data;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.NoSuchElementException;
import org.jspecify.annotations.Nullable;

/** The text column of the rows of a table; rows without text are left out. */
final class TablePass implements ResumableDataset.Pass {

  private static final int VERSION = 1;

  private final RowPass rows;
  private final int column;
  private final String textColumn;
  private final long fingerprint;
  private @Nullable String ahead;

  /**
   * @param column index of the text column
   * @param fingerprint tells tables and settings apart
   */
  TablePass(RowPass rows, int column, String textColumn, long fingerprint) {
    this.rows = rows;
    this.column = column;
    this.textColumn = textColumn;
    this.fingerprint = fingerprint;
  }

  @Override
  public boolean hasNext() {
    if (ahead == null) {
      ahead = read();
    }
    return ahead != null;
  }

  private @Nullable String read() {
    while (rows.next()) {
      Object value = rows.value(column);
      if (value instanceof String text) {
        return text;
      }
      if (value != null) {
        throw new DatasetException(
            "column \""
                + textColumn
                + "\" holds numbers or booleans ("
                + value
                + "), no text; name the column of the text with text(...)");
      }
    }
    return null;
  }

  @Override
  public String next() {
    if (!hasNext() || ahead == null) {
      throw new NoSuchElementException("no more documents");
    }
    String document = ahead;
    ahead = null;
    return document;
  }

  @Override
  public DatasetPosition position() {
    if (ahead != null) {
      throw new IllegalStateException(
          "ask for the position right after next(), before hasNext() reads on");
    }
    return DatasetPosition.fromBytes(save());
  }

  private byte[] save() {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (DataOutputStream out = new DataOutputStream(bytes)) {
      out.writeInt(VERSION);
      out.writeLong(fingerprint);
      rows.save(out);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  /** Goes to a saved position. */
  void restore(DatasetPosition position) {
    try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(position.toBytes()))) {
      if (in.readInt() != VERSION) {
        throw new DatasetException("The position in the dataset was saved by another version");
      }
      if (in.readLong() != fingerprint) {
        throw new DatasetException(
            "The position is that of another dataset, or of other files or settings");
      }
      rows.restore(in);
      if (in.read() >= 0) {
        throw new IOException("bytes are left over");
      }
    } catch (IOException e) {
      throw new DatasetException("The position in the dataset is damaged: " + e.getMessage(), e);
    }
  }

  @Override
  public void close() {
    rows.close();
  }
}
