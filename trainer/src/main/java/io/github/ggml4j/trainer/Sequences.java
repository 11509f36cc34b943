package io.github.ggml4j.trainer;

import io.github.ggml4j.internal.SplitMix64;
import io.github.ggml4j.tokenizer.Tokenizer;
import io.github.ggml4j.trainer.data.Dataset;
import io.github.ggml4j.trainer.internal.ShuffleWindow;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Random;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/** The training data as sequences of tokens, pass by pass. */
interface Sequences {
  /** One pass. */
  interface Pass extends AutoCloseable {
    /** The next sequence, or null at the end. */
    int @Nullable [] next();

    /** Writes how far this has come. */
    void save(DataOutput out) throws IOException;

    @Override
    void close();
  }

  /** Number of sequences in each pass, where known. */
  OptionalLong count();

  /** Tokens of the longest sequence, where known. */
  OptionalInt longest();

  /** Opens pass number {@code epoch}, counted from 0. */
  Pass open(int epoch);

  /** Opens that pass where an earlier one was saved. */
  Pass resume(int epoch, DataInput in) throws IOException;

  /** As much of the heap as tokens may fill before data is streamed instead: a quarter. */
  static long heapLimit() {
    return Runtime.getRuntime().maxMemory() / 4 / Integer.BYTES;
  }

  /**
   * Reads a finite dataset into memory as long as it has at most {@code maxTokens}; any other is
   * streamed.
   *
   * @param stop asked before each sequence; true ends reading early
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
        return new InMemory(all, options.shuffle(), options.seed());
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
    }
    if (all.isEmpty() && !stop.getAsBoolean()) {
      throw nothingToLearn(dataset);
    }
    return all;
  }

  private static IllegalArgumentException nothingToLearn(Dataset dataset) {
    return new IllegalArgumentException(
        "Nothing to learn from in "
            + dataset.describe()
            + ": no document has two tokens or more. Check the path and the filter.");
  }

  /** Random numbers of one epoch. */
  private static Random random(long seed, int epoch) {
    return new Random(seed * SplitMix64.GAMMA + epoch);
  }

  /** All sequences, in order or in a new order for each pass. */
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
    public Pass open(int epoch) {
      return open(epoch, 0);
    }

    @Override
    public Pass resume(int epoch, DataInput in) throws IOException {
      int done = in.readInt();
      if (done < 0 || done > all.size()) {
        throw new IOException("it is at sequence " + done + " of " + all.size());
      }
      return open(epoch, done);
    }

    private Pass open(int epoch, int done) {
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
      return new Pass() {
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

  /** Sequences read anew in each pass; shuffled within a window that moves over them. */
  record Streamed(
      Dataset dataset, Tokenizer tokenizer, TrainingOptions options, BooleanSupplier stop)
      implements Sequences {
    /** Sequences that are held to choose the next one from. */
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
    public Pass open(int epoch) {
      var reader = new SequenceReader(dataset, tokenizer, options, stop);
      return new Window(this, reader, random(options.seed(), epoch).nextLong());
    }

    @Override
    public Pass resume(int epoch, DataInput in) throws IOException {
      long random = in.readLong();
      List<int[]> held = Place.readAll(in);
      var reader = SequenceReader.resume(dataset, tokenizer, options, stop, in);
      var pass = new Window(this, reader, random);
      held.forEach(pass.window::add);
      pass.any = true;
      return pass;
    }

    private static final class Window implements Pass {
      private final Streamed source;
      private final SequenceReader reader;
      private final ShuffleWindow<int[]> window;
      private boolean any;
      private boolean ended;

      Window(Streamed source, SequenceReader reader, long random) {
        this.source = source;
        this.reader = reader;
        this.window = new ShuffleWindow<>(source.options().shuffle() ? WINDOW : 1, random);
      }

      @Override
      public int @Nullable [] next() {
        while (!ended && !window.isFull()) {
          int[] read = reader.next();
          if (read == null) {
            if (source.stop().getAsBoolean()) {
              return null; // What is held comes when the training goes on
            }
            ended = true;
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
        Place.writeAll(out, window.items());
        reader.save(out);
      }

      @Override
      public void close() {
        reader.close();
      }
    }
  }
}
