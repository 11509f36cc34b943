package io.github.ggml4j.trainer.data;

import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

/**
 * A collection of documents, each one text. Every call of {@link #documents} is a new pass in the
 * same order, so that each epoch sees the same data.
 *
 * <p>Implement it for a source of your own: a lambda that opens a stream is enough.
 */
@FunctionalInterface
public interface Dataset {

  /**
   * Opens a new pass over the documents, lazily read. The caller closes the stream.
   *
   * @return the documents in a fixed order
   * @throws DatasetException here or while reading, if the data cannot be read
   */
  Stream<String> documents();

  /**
   * Whether the documents are known to end. The trainer reads, tokenises and counts finite data
   * before the first step (up to a limit), so that the schedule knows its last step and shuffling
   * is complete; anything else is streamed.
   *
   * @return true if finite; the default is false
   */
  default boolean finite() {
    return false;
  }

  /**
   * What this is, for messages.
   *
   * @return a short description
   */
  default String describe() {
    return "dataset";
  }

  /**
   * Only the documents that pass a test.
   *
   * @param test true = keep
   * @return the smaller dataset
   */
  default Dataset filter(Predicate<? super String> test) {
    return new DerivedDataset(this, documents -> documents.filter(test), finite());
  }

  /**
   * Each document changed.
   *
   * @param change from old text to new
   * @return the changed dataset
   */
  default Dataset map(UnaryOperator<String> change) {
    return new DerivedDataset(this, documents -> documents.map(change), finite());
  }

  /**
   * Only the first documents.
   *
   * @param count how many at most, at least 0
   * @return the smaller dataset, always finite
   */
  default Dataset limit(long count) {
    if (count < 0) {
      throw new IllegalArgumentException("limit must be >= 0 documents, not " + count);
    }
    return new DerivedDataset(this, documents -> documents.limit(count), true);
  }
}
