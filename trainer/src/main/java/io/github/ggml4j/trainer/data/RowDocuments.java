package io.github.ggml4j.trainer.data;

import io.github.ggml4j.trainer.data.internal.rows.ResumableRows;
import io.github.ggml4j.trainer.error.DatasetException;
import java.io.DataInput;
import java.io.IOException;
import java.util.Spliterator;
import java.util.Spliterators;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.jspecify.annotations.Nullable;

/** Reads the text column, which is column 0, as documents. Skips rows without text. */
final class RowDocuments implements DocumentReader {

  private static final System.Logger LOG = System.getLogger(RowDocuments.class.getName());

  /** Version of the format of positions. */
  private static final int VERSION = 3;

  private final String description;
  private final ResumableRows rows;
  private final String column;
  private final long fingerprint;
  private final AtomicBoolean withoutTextLogged;
  private long withText;
  private long withoutText;

  /**
   * A reader before the first document.
   *
   * @param description of the dataset, for messages
   * @param column name of the text column
   * @param fingerprint differs between datasets and settings
   * @param withoutTextLogged whether the warning about rows without text was logged; set here
   */
  RowDocuments(
      String description,
      ResumableRows rows,
      String column,
      long fingerprint,
      AtomicBoolean withoutTextLogged) {
    this.description = description;
    this.rows = rows;
    this.column = column;
    this.fingerprint = fingerprint;
    this.withoutTextLogged = withoutTextLogged;
  }

  @Override
  public @Nullable String next() {
    while (rows.next()) {
      switch (rows.value(0)) {
        case String text -> {
          withText++;
          return text;
        }
        case null -> withoutText++;
        case Double number when number.isNaN() -> withoutText++;
        case Object other ->
            throw new DatasetException(
                rows.location()
                    + ": column \""
                    + column
                    + "\" holds numbers or booleans ("
                    + other
                    + "), not text. Choose a column of text.");
      }
    }
    if (withoutText > 0 && !withoutTextLogged.getAndSet(true)) {
      LOG.log(
          System.Logger.Level.WARNING,
          String.format(
              "%s: %,d of %,d rows have no text in column \"%s\" and are skipped",
              description, withoutText, withText + withoutText, column));
    }
    return null;
  }

  @Override
  public DatasetPosition position() {
    return DatasetPosition.of(out -> {
      out.writeInt(VERSION);
      out.writeLong(fingerprint);
      rows.save(out);
    });
  }

  /** The remaining documents as a stream. Closing the stream closes this reader. */
  Stream<String> stream() {
    Spliterator<String> documents =
        new Spliterators.AbstractSpliterator<>(
            Long.MAX_VALUE, Spliterator.ORDERED | Spliterator.NONNULL) {
          @Override
          public boolean tryAdvance(Consumer<? super String> action) {
            String document = next();
            if (document == null) {
              return false;
            }
            action.accept(document);
            return true;
          }
        };
    return StreamSupport.stream(documents, false).onClose(this::close);
  }

  /** Moves to a saved position. Allowed only before the first document. */
  void restore(DatasetPosition position) {
    position.read(this::restore);
  }

  private void restore(DataInput in) throws IOException {
    if (in.readInt() != VERSION) {
      throw new DatasetException("The position in the dataset was saved by another version");
    }
    if (in.readLong() != fingerprint) {
      throw new DatasetException(
          "The position belongs to another dataset, or to other files or settings");
    }
    rows.restore(in);
  }

  @Override
  public void close() {
    rows.close();
  }
}
