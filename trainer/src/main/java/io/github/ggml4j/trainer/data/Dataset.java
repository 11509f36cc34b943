package io.github.ggml4j.trainer.data;

import io.github.ggml4j.internal.Check;
import io.github.ggml4j.trainer.error.DatasetException;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

/**
 * A collection of documents, each one text. Every call of {@link #documents} or {@link #open} reads
 * the same documents in the same order, so that each epoch sees the same data.
 *
 * <p>To implement it for another source, a lambda that opens a stream is enough.
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
    return new StreamReader(documents());
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
    return StreamReader.resume(this::documents, position);
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
   * Keeps the documents that pass a test.
   *
   * @param test true = keep
   * @return the filtered dataset
   */
  default Dataset filter(Predicate<? super String> test) {
    return new DerivedDataset(
        this, document -> test.test(document) ? document : null, Long.MAX_VALUE, finite());
  }

  /**
   * Changes each document.
   *
   * @param change returns the new text of a document
   * @return the changed dataset
   */
  default Dataset map(UnaryOperator<String> change) {
    return new DerivedDataset(this, document -> change.apply(document), Long.MAX_VALUE, finite());
  }

  /**
   * Keeps only the first documents.
   *
   * @param count maximum number of documents, at least 0
   * @return the limited dataset, always finite
   */
  default Dataset limit(long count) {
    return new DerivedDataset(this, document -> document, Check.atLeast("limit", count, 0), true);
  }
}
