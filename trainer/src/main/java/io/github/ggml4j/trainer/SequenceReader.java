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
 * Reads the documents of a dataset once, as sequences of tokens. Without packing, each document is
 * one sequence, truncated to the maximum length. With packing, all documents are concatenated, each
 * after an end-of-text token, and split into blocks of that length.
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
  private final Truncation truncation = new Truncation();

  /** Counts truncated documents and discarded tokens. */
  static final class Truncation {
    private long documents;
    private long truncated;
    private long tokens;
    private long tokensLeftOut;

    private void add(int length, int kept) {
      documents++;
      tokens += length;
      if (kept < length) {
        truncated++;
        tokensLeftOut += length - kept;
      }
    }

    /** Logs a warning if a document was truncated. */
    void warn(int maxLength) {
      if (truncated > 0) {
        System.getLogger(Trainer.class.getName())
            .log(
                System.Logger.Level.WARNING,
                "%,d of %,d documents are longer than %,d tokens and were truncated: %,d of %,d"
                        .formatted(truncated, documents, maxLength, tokensLeftOut, tokens)
                    + " tokens are discarded. Use packing, or a larger maximum sequence length");
      }
    }
  }

  SequenceReader(
      Dataset dataset, Tokenizer tokenizer, TrainingOptions options, BooleanSupplier stop) {
    this(dataset.open(), tokenizer, options, stop);
  }

  /** Resumes where an earlier reader of the same dataset was {@linkplain #save saved}. */
  static SequenceReader resume(
      Dataset dataset,
      Tokenizer tokenizer,
      TrainingOptions options,
      BooleanSupplier stop,
      DataInput in)
      throws IOException {
    int[] pending = IntArrays.readInts(in);
    byte[] position = IntArrays.readBytes(in);
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
    this.packing = options.sequences().packing();
    this.maxLength = options.sequences().maxSequenceLength();
    // A single token predicts nothing, unless the padding after it is learned.
    this.minLength = options.sequences().padding() == Padding.LEARNED ? 1 : 2;
    this.documents = documents;
  }

  /** Writes the position after the last sequence that {@link #next} returned. */
  void save(DataOutput out) throws IOException {
    IntArrays.writeInts(out, Arrays.copyOfRange(pending, pendingStart, pending.length));
    IntArrays.writeBytes(out, documents.position().toBytes());
  }

  /** The next sequence; null at the end or if reading was stopped. */
  int @Nullable [] next() {
    if (stop.getAsBoolean()) {
      return null;
    }
    try {
      return packing ? nextBlock() : nextDocument();
    } catch (DatasetException | CancellationException e) {
      // An interrupt closes the open file or ends the wait for the network.
      if (stop.getAsBoolean()) {
        return null;
      }
      throw e;
    }
  }

  /** The truncation so far. */
  Truncation truncation() {
    return truncation;
  }

  private int @Nullable [] nextDocument() {
    for (String document = documents.next(); document != null; document = documents.next()) {
      int[] ids = tokenizer.encode(document);
      if (ids.length >= minLength) {
        truncation.add(ids.length, Math.min(ids.length, maxLength));
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
