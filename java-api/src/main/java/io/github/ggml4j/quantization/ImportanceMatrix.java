package io.github.ggml4j.quantization;

import io.github.ggml4j.format.gguf.ImatrixFile;
import io.github.ggml4j.model.Gpt2Model;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CancellationException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * How much each input of each matrix of a model matters on a text: the mean of its square. A
 * quantizer with it spends its bits on the columns that are multiplied with large numbers.
 *
 * <p>The statistics, names and files are those of {@code llama-imatrix} in llama.cpp, so that files
 * can be exchanged in both directions. Immutable and thread-safe.
 */
public final class ImportanceMatrix {
  /** Tokens of a chunk when nothing else is said, as in llama.cpp. */
  public static final int CONTEXT_LENGTH = 512;

  private final ImatrixFile content;
  private final Map<String, float[]> means;

  private ImportanceMatrix(ImatrixFile content) {
    this.content = content;
    this.means = new TreeMap<>();
    content.entries().forEach((name, entry) -> means.put(name, entry.means()));
  }

  /** What to compute from. */
  public static final class Options {
    private final int contextLength;
    private final int maxChunks;
    private final boolean head;
    private final String source;
    private final Consumer<Progress> progress;

    private Options(
        int contextLength,
        int maxChunks,
        boolean head,
        String source,
        Consumer<Progress> progress) {
      this.contextLength = contextLength;
      this.maxChunks = maxChunks;
      this.head = head;
      this.source = source;
      this.progress = progress;
    }

    /** Chunks of 512 tokens, or of the model's context where that is shorter; all of them. */
    public static Options defaults() {
      return new Options(0, Integer.MAX_VALUE, false, "", _ -> {});
    }

    /** Tokens of a chunk; each chunk is computed on its own. 0 for the default. */
    public Options context(int context) {
      if (context < 0) {
        throw new IllegalArgumentException(
            "context is " + context + ", expected at least 1, or 0 for the default");
      }
      return new Options(context, maxChunks, head, source, progress);
    }

    /** Computes at most so many chunks. */
    public Options chunks(int chunks) {
      if (chunks < 1) {
        throw new IllegalArgumentException("chunks is " + chunks + ", expected at least 1");
      }
      return new Options(contextLength, chunks, head, source, progress);
    }

    /** Whether the head is included, where it has a matrix of its own. */
    public Options head(boolean head) {
      return new Options(contextLength, maxChunks, head, source, progress);
    }

    /** Name of the text, kept in the file. */
    public Options source(String source) {
      return new Options(contextLength, maxChunks, head, source, progress);
    }

    /** Is told about each chunk. */
    public Options progress(Consumer<Progress> progress) {
      return new Options(contextLength, maxChunks, head, source, progress);
    }
  }

  /**
   * How far computing has come.
   *
   * @param chunk how many chunks are done
   * @param total how many there are
   */
  public record Progress(int chunk, int total) {}

  /** Computes with the default options. */
  public static ImportanceMatrix compute(Gpt2Model model, int... tokens) {
    return compute(model, tokens, Options.defaults());
  }

  /**
   * Computes from a text.
   *
   * @param tokens at least one chunk; a last piece shorter than a chunk is left out. Some ten
   *     thousand tokens of the kind of text that the model will see are enough
   * @throws IllegalArgumentException when there are too few, or ids that the model does not have
   * @throws IllegalStateException when an activation is not a finite number
   * @throws CancellationException when the thread is interrupted; it stays interrupted
   */
  public static ImportanceMatrix compute(Gpt2Model model, int[] tokens, Options options) {
    int positions = model.config().nPositions();
    int length =
        options.contextLength == 0 ? Math.min(CONTEXT_LENGTH, positions) : options.contextLength;
    if (length > positions) {
      throw new IllegalArgumentException(
          "context is " + length + ", expected at most " + positions + ", the model's n_positions");
    }
    int chunks = Math.min(tokens.length / length, options.maxChunks);
    if (chunks == 0) {
      throw new IllegalArgumentException(
          "The text has "
              + tokens.length
              + " tokens, expected at least the "
              + length
              + " of a chunk. Give a longer text, or a shorter context.");
    }
    model.config().checkTokens(tokens);
    boolean head = options.head && !model.config().tieWordEmbeddings();
    try (var squares = new ActivationSquares(model, length, head)) {
      for (int chunk = 0; chunk < chunks; chunk++) {
        if (Thread.currentThread().isInterrupted()) {
          throw new CancellationException("Interrupted after " + chunk + " chunks");
        }
        squares.add(Arrays.copyOfRange(tokens, chunk * length, (chunk + 1) * length));
        options.progress.accept(new Progress(chunk + 1, chunks));
      }
      var entries = new TreeMap<String, ImatrixFile.Entry>();
      squares
          .sums()
          .forEach((name, sums) ->
              entries.put(name, new ImatrixFile.Entry(sums, new long[] {squares.tokens()})));
      var sources = options.source.isEmpty() ? List.<String>of() : List.of(options.source);
      return new ImportanceMatrix(new ImatrixFile(entries, sources, chunks, length));
    }
  }

  /**
   * Reads a file of llama.cpp, in its GGUF form or the older {@code .dat}.
   *
   * @throws io.github.ggml4j.format.ModelFormatException when it is missing, damaged or something
   *     else
   */
  public static ImportanceMatrix read(Path file) {
    return new ImportanceMatrix(ImatrixFile.read(file));
  }

  /**
   * Writes a file that llama.cpp reads: the older form where the name ends with {@code .dat}, else
   * GGUF.
   *
   * @throws java.io.UncheckedIOException when it cannot be written; then nothing is left behind
   */
  public void save(Path file) {
    content.write(file);
  }

  /**
   * Both together, as if computed from one text after the other.
   *
   * @throws IllegalArgumentException when they belong to different models
   */
  public ImportanceMatrix plus(ImportanceMatrix other) {
    return new ImportanceMatrix(content.plus(other.content));
  }

  /** The mean square of each input of a matrix by its name in GGUF; null where unknown. */
  public float @Nullable [] find(String ggufName) {
    return means.get(ggufName);
  }

  /**
   * The mean square of each input, {@code (in)} for each matrix by its name in GGUF, such as {@code
   * blk.0.attn_qkv.weight}.
   */
  public Map<String, float[]> meanSquares() {
    var copies = new TreeMap<String, float[]>();
    means.forEach((name, values) -> copies.put(name, values.clone()));
    return Collections.unmodifiableMap(copies);
  }

  /** How many matrices it knows. */
  public int size() {
    return means.size();
  }

  /** How many chunks it was computed from; 0 where the file does not tell. */
  public int chunkCount() {
    return content.chunkCount();
  }

  /** Tokens of a chunk; 0 where the file does not tell. */
  public int chunkSize() {
    return content.chunkSize();
  }

  /** Names of the texts it was computed from, as far as known. */
  public List<String> sources() {
    return content.sources();
  }

  /** How many matrices it knows, from how many chunks. */
  @Override
  public String toString() {
    return "ImportanceMatrix["
        + means.size()
        + " matrices, "
        + content.chunkCount()
        + " chunks of "
        + content.chunkSize()
        + " tokens]";
  }
}
