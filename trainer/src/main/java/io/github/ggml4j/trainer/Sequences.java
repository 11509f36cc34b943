package io.github.ggml4j.trainer;

import io.github.ggml4j.internal.SplitMix64;
import io.github.ggml4j.tokenizer.Tokenizer;
import io.github.ggml4j.trainer.data.Dataset;
import io.github.ggml4j.trainer.internal.ShuffleWindow;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Random;
import java.util.function.BooleanSupplier;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/** The training data as sequences of tokens. */
interface Sequences {
  /** Reads the sequences of one epoch. */
  interface Cursor extends AutoCloseable {
    /** The next sequence; null at the end. */
    int @Nullable [] next();

    /** Writes the position. */
    void save(DataOutput out) throws IOException;

    @Override
    void close();
  }

  /** Number of sequences in each epoch; empty if unknown. */
  OptionalLong count();

  /** Tokens of the longest sequence; empty if unknown. */
  OptionalInt longest();

  /** Identifies the data in checkpoints; streamed data is not identified. */
  String fingerprint();

  /** Opens the sequences of an epoch, counted from 0. */
  Cursor open(int epoch);

  /** Opens the sequences of an epoch at the position that {@link Cursor#save} wrote. */
  Cursor resume(int epoch, DataInput in) throws IOException;

  /** Maximum number of tokens kept in memory, a quarter of the heap. Longer data is streamed. */
  static long heapLimit() {
    return Runtime.getRuntime().maxMemory() / 4 / Integer.BYTES;
  }

  /**
   * Reads a finite dataset of at most {@code maxTokens} tokens into memory. Any other dataset is
   * streamed.
   *
   * @param stop asked before each sequence; true stops reading
   */
  static Sequences of(
      Dataset dataset,
      Tokenizer tokenizer,
      TrainingOptions options,
      long maxTokens,
      BooleanSupplier stop) {
    if (dataset.finite()) {
      List<int[]> all = readAll(dataset, tokenizer, options, maxTokens, stop);
      if (all != null) {
        return new InMemory(all, options.batches().shuffle(), options.seed());
      }
    }
    return new Streamed(dataset, tokenizer, options, stop);
  }

  private static @Nullable List<int[]> readAll(
      Dataset dataset,
      Tokenizer tokenizer,
      TrainingOptions options,
      long maxTokens,
      BooleanSupplier stop) {
    List<int[]> all = new ArrayList<>();
    long tokens = 0;
    try (SequenceReader reader = new SequenceReader(dataset, tokenizer, options, stop)) {
      for (int[] next = reader.next(); next != null; next = reader.next()) {
        tokens += next.length;
        if (tokens > maxTokens) {
          return null;
        }
        all.add(next);
      }
      reader.truncation().warn(options.sequences().maxSequenceLength());
    }
    if (all.isEmpty() && !stop.getAsBoolean()) {
      throw nothingToLearn(dataset);
    }
    return all;
  }

  private static IllegalArgumentException nothingToLearn(Dataset dataset) {
    return new IllegalArgumentException(
        "No training data in "
            + dataset.describe()
            + ": no document has at least two tokens. Check the path and the filter.");
  }

  /** The random generator of one epoch. */
  private static Random random(long seed, int epoch) {
    return new Random(seed * SplitMix64.GAMMA + epoch);
  }

  /** Sequences in memory, in their own order or shuffled anew for each epoch. */
  record InMemory(List<int[]> all, boolean shuffle, long seed) implements Sequences {
    @Override
    public OptionalLong count() {
      return OptionalLong.of(all.size());
    }

    @Override
    public OptionalInt longest() {
      return all.stream().mapToInt(sequence -> sequence.length).max();
    }

    @Override
    public String fingerprint() {
      var checksum = new CRC32C();
      for (int[] sequence : all) {
        var bytes = ByteBuffer.allocate(Integer.BYTES * (sequence.length + 1));
        bytes.putInt(sequence.length);
        bytes.asIntBuffer().put(sequence);
        checksum.update(bytes.array());
      }
      return "%d sequences, checksum %08x".formatted(all.size(), checksum.getValue());
    }

    @Override
    public Cursor open(int epoch) {
      return open(epoch, 0);
    }

    @Override
    public Cursor resume(int epoch, DataInput in) throws IOException {
      int done = in.readInt();
      if (done < 0 || done > all.size()) {
        throw new IOException("it is at sequence " + done + " of " + all.size());
      }
      return open(epoch, done);
    }

    private Cursor open(int epoch, int done) {
      int[] order = new int[all.size()];
      for (int i = 0; i < order.length; i++) {
        order[i] = i;
      }
      if (shuffle) {
        Random random = random(seed, epoch);
        for (int i = order.length - 1; i > 0; i--) {
          int j = random.nextInt(i + 1);
          int swapped = order[i];
          order[i] = order[j];
          order[j] = swapped;
        }
      }
      return new Cursor() {
        private int next = done;

        @Override
        public int @Nullable [] next() {
          return next < order.length ? all.get(order[next++]) : null;
        }

        @Override
        public void save(DataOutput out) throws IOException {
          out.writeInt(next);
        }

        @Override
        public void close() {}
      };
    }
  }

  /** Sequences that are read again in each epoch and shuffled within a window. */
  record Streamed(
      Dataset dataset, Tokenizer tokenizer, TrainingOptions options, BooleanSupplier stop)
      implements Sequences {
    /** Number of sequences in the shuffle window. */
    private static final int WINDOW = 1000;

    @Override
    public OptionalLong count() {
      return OptionalLong.empty();
    }

    @Override
    public OptionalInt longest() {
      return OptionalInt.empty();
    }

    @Override
    public String fingerprint() {
      return "a stream";
    }

    @Override
    public Cursor open(int epoch) {
      var reader = new SequenceReader(dataset, tokenizer, options, stop);
      return new WindowCursor(this, reader, random(options.seed(), epoch).nextLong());
    }

    @Override
    public Cursor resume(int epoch, DataInput in) throws IOException {
      long random = in.readLong();
      List<int[]> inWindow = IntArrays.readAll(in);
      var reader = SequenceReader.resume(dataset, tokenizer, options, stop, in);
      var cursor = new WindowCursor(this, reader, random);
      inWindow.forEach(cursor.window::add);
      cursor.any = true;
      return cursor;
    }

    private static final class WindowCursor implements Cursor {
      private final Streamed source;
      private final SequenceReader reader;
      private final ShuffleWindow<int[]> window;
      private boolean any;
      private boolean ended;

      WindowCursor(Streamed source, SequenceReader reader, long random) {
        this.source = source;
        this.reader = reader;
        this.window =
            new ShuffleWindow<>(source.options().batches().shuffle() ? WINDOW : 1, random);
      }

      @Override
      public int @Nullable [] next() {
        while (!ended && !window.isFull()) {
          int[] read = reader.next();
          if (read == null) {
            if (source.stop().getAsBoolean()) {
              return null; // the checkpoint keeps the window
            }
            ended = true;
            reader.truncation().warn(source.options().sequences().maxSequenceLength());
          } else {
            window.add(read);
            any = true;
          }
        }
        if (!any) {
          throw nothingToLearn(source.dataset());
        }
        return window.isEmpty() ? null : window.draw();
      }

      @Override
      public void save(DataOutput out) throws IOException {
        out.writeLong(window.state());
        IntArrays.writeAll(out, window.items());
        reader.save(out);
      }

      @Override
      public void close() {
        reader.close();
      }
    }
  }
}
