package io.github.ggml4j.trainer.data;

import io.github.ggml4j.trainer.error.DatasetException;
import java.util.stream.Stream;

/**
 * A collection of documents, each one text. Every call of {@link #documents} or {@link #open} reads
 * the same documents in the same order, so that each epoch sees the same data.
 *
 * <p>To implement it for another source, a lambda that opens a stream is enough. {@link #rows}
 * gives it all operations of {@link RowDataset}.
 */
@FunctionalInterface
public interface Dataset {

  /**
   * The documents as a lazy stream. The caller closes the stream.
   *
   * @return the documents in a fixed order
   * @throws DatasetException from this method or from the stream, if the data cannot be read
   */
  Stream<String> documents();

  /**
   * Opens a reader at the first document.
   *
   * @return the reader, which the caller closes
   * @throws DatasetException if the data cannot be read
   */
  default DocumentReader open() {
    return rows().open();
  }

  /**
   * Opens a reader at a saved position. The default implementation reads and discards the documents
   * before it; datasets from files seek to the position.
   *
   * @param position of a reader of this dataset
   * @return the reader, which the caller closes
   * @throws DatasetException if the position is damaged or belongs to another dataset, or the data
   *     cannot be read
   */
  default DocumentReader resume(DatasetPosition position) {
    return rows().resume(position);
  }

  /**
   * Whether the number of documents is limited. The trainer reads and tokenizes a finite dataset
   * before the first step, unless it is too large for memory. The number of steps is then known,
   * and all sequences are shuffled together. Other datasets are streamed.
   *
   * @return true if finite; the default is false
   */
  default boolean finite() {
    return false;
  }

  /**
   * A name for messages.
   *
   * @return a short description
   */
  default String describe() {
    return "dataset";
  }

  /**
   * This dataset as rows with the column {@code text}, to filter, change, shuffle, shard or limit
   * it. Their positions count the documents; resuming reads the documents before a position again.
   *
   * @return the rows
   */
  default RowDataset rows() {
    return RowDataset.ofStream(describe(), this::documents, finite());
  }
}
