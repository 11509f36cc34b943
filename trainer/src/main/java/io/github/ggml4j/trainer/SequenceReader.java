package io.github.ggml4j.trainer;

import io.github.ggml4j.tokenizer.Tokenizer;
import io.github.ggml4j.trainer.data.Dataset;
import io.github.ggml4j.trainer.data.DatasetPosition;
import io.github.ggml4j.trainer.data.DocumentReader;
import io.github.ggml4j.trainer.error.DatasetException;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.Arrays;
import java.util.concurrent.CancellationException;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * One pass over the documents of a dataset as sequences of tokens: either each document on its own,
 * cut at the maximum length, or all of them in one line, each with the end-of-text token in front,
 * cut into blocks of that length.
 */
final class SequenceReader implements AutoCloseable {
  private final Tokenizer tokenizer;
  private final BooleanSupplier stop;
  private final boolean packing;
  private final int maxLength;
  private final int minLength;
  private final DocumentReader documents;
  private int[] pending = {};
  private int pendingStart;

  SequenceReader(
      Dataset dataset, Tokenizer tokenizer, TrainingOptions options, BooleanSupplier stop) {
    this(dataset.open(), tokenizer, options, stop);
  }

  /** Goes on where an earlier one over the same dataset was {@linkplain #save saved}. */
  static SequenceReader resume(
      Dataset dataset,
      Tokenizer tokenizer,
      TrainingOptions options,
      BooleanSupplier stop,
      DataInput in)
      throws IOException {
    int[] pending = Place.readInts(in);
    byte[] position = Place.readBytes(in);
    var documents = dataset.resume(DatasetPosition.fromBytes(position));
    var reader = new SequenceReader(documents, tokenizer, options, stop);
    reader.pending = pending;
    return reader;
  }

  private SequenceReader(
      DocumentReader documents,
      Tokenizer tokenizer,
      TrainingOptions options,
      BooleanSupplier stop) {
    this.tokenizer = tokenizer;
    this.stop = stop;
    this.packing = options.packing();
    this.maxLength = options.maxSequenceLength();
    // A single token predicts nothing, unless padding behind it is learned.
    this.minLength = options.padding() == Padding.LEARNED ? 1 : 2;
    this.documents = documents;
  }

  /** Writes how far this has come: behind the sequence that {@link #next} gave last. */
  void save(DataOutput out) throws IOException {
    Place.writeInts(out, Arrays.copyOfRange(pending, pendingStart, pending.length));
    Place.writeBytes(out, documents.position().toBytes());
  }

  /** The next sequence, or null at the end or when reading was stopped. */
  int @Nullable [] next() {
    if (stop.getAsBoolean()) {
      return null;
    }
    try {
      return packing ? nextBlock() : nextDocument();
    } catch (DatasetException | CancellationException e) {
      // An interrupt closes the file that is being read, or ends the wait for the network.
      if (stop.getAsBoolean()) {
        return null;
      }
      throw e;
    }
  }

  private int @Nullable [] nextDocument() {
    for (String document = documents.next(); document != null; document = documents.next()) {
      int[] ids = tokenizer.encode(document);
      if (ids.length >= minLength) {
        return ids.length > maxLength ? Arrays.copyOf(ids, maxLength) : ids;
      }
    }
    return null;
  }

  private int @Nullable [] nextBlock() {
    while (pending.length - pendingStart < maxLength) {
      String document = documents.next();
      if (document == null) {
        break;
      }
      int[] ids = tokenizer.encode(document);
      if (ids.length > 0) {
        int left = pending.length - pendingStart;
        int[] joined = new int[left + 1 + ids.length];
        System.arraycopy(pending, pendingStart, joined, 0, left);
        joined[left] = tokenizer.eosTokenId();
        System.arraycopy(ids, 0, joined, left + 1, ids.length);
        pending = joined;
        pendingStart = 0;
      }
    }
    int length = Math.min(maxLength, pending.length - pendingStart);
    if (length < minLength) {
      return null;
    }
    int[] block = Arrays.copyOfRange(pending, pendingStart, pendingStart + length);
    pendingStart += length;
    return block;
  }

  @Override
  public void close() {
    documents.close();
  }
}
