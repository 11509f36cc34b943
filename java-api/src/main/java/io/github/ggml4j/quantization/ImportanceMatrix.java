package io.github.ggml4j.quantization;

import io.github.ggml4j.error.InvalidArgumentException;
import io.github.ggml4j.format.gguf.ImatrixFile;
import io.github.ggml4j.internal.Check;
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
 * The importance of each column of each matrix of a model: the mean square of the input that it is
 * multiplied with, over a text. A quantizer gives a smaller error to important columns.
 *
 * <p>Statistics, names and files are those of {@code llama-imatrix} in llama.cpp; either program
 * reads the other's files. Immutable and thread-safe.
 */
public final class ImportanceMatrix {
  /** Default number of tokens per chunk, as in llama.cpp. */
  public static final int CONTEXT_LENGTH = 512;

  private final ImatrixFile content;
  private final Map<String, float[]> means;

  private ImportanceMatrix(ImatrixFile content) {
    this.content = content;
    this.means = new TreeMap<>();
    content.entries().forEach((name, entry) -> means.put(name, entry.means()));
  }

  /** Options of {@link #compute(Gpt2Model, int[], Options)}. */
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

    /** All chunks, of 512 tokens or of the model's context if that is shorter. */
    public static Options defaults() {
      return new Options(0, Integer.MAX_VALUE, false, "", _ -> {});
    }

    /** Tokens per chunk; chunks are computed independently. 0 for the default. */
    public Options context(int context) {
      Check.atLeast("context", context, 0);
      return new Options(context, maxChunks, head, source, progress);
    }

    /** The most chunks to compute; no limit by default. */
    public Options chunks(int chunks) {
      Check.atLeast("chunks", chunks, 1);
      return new Options(contextLength, chunks, head, source, progress);
    }

    /** Whether to include the head if it is not tied to the embedding; false by default. */
    public Options head(boolean head) {
      return new Options(contextLength, maxChunks, head, source, progress);
    }

    /** Name of the text, stored in the file. */
    public Options source(String source) {
      return new Options(contextLength, maxChunks, head, source, progress);
    }

    /** Receives the progress after each chunk. */
    public Options progress(Consumer<Progress> progress) {
      return new Options(contextLength, maxChunks, head, source, progress);
    }
  }

  /**
   * The progress of computing.
   *
   * @param chunk number of chunks computed
   * @param total number of chunks
   */
  public record Progress(int chunk, int total) {}

  /** Computes with the default options. */
  public static ImportanceMatrix compute(Gpt2Model model, int... tokens) {
    return compute(model, tokens, Options.defaults());
  }

  /**
   * Computes from a text.
   *
   * @param tokens at least one chunk; an incomplete last chunk is ignored. About ten thousand
   *     tokens of typical text are enough
   * @throws InvalidArgumentException if there are too few tokens, or ids that are not in the
   *     vocabulary
   * @throws IllegalStateException if an activation is not finite
   * @throws CancellationException if the thread is interrupted; it stays interrupted
   */
  public static ImportanceMatrix compute(Gpt2Model model, int[] tokens, Options options) {
    int positions = model.config().nPositions();
    int length =
        options.contextLength == 0 ? Math.min(CONTEXT_LENGTH, positions) : options.contextLength;
    if (length > positions) {
      throw new InvalidArgumentException(
          "context", length, "at most " + positions + ", the model's n_positions");
    }
    int chunks = Math.min(tokens.length / length, options.maxChunks);
    if (chunks == 0) {
      throw new InvalidArgumentException(
          "number of tokens",
          tokens.length,
          "at least " + length + ", the tokens of a chunk",
          "Give a longer text, or a shorter {context}.");
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
   * Combines two matrices, as if computed from both texts.
   *
   * @throws IllegalArgumentException if they belong to different models
   */
  public ImportanceMatrix plus(ImportanceMatrix other) {
    return new ImportanceMatrix(content.plus(other.content));
  }

  /**
   * The mean square of each input of a matrix by its GGUF name; null if the matrix is not there.
   */
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

  /** Number of matrices. */
  public int size() {
    return means.size();
  }

  /** Number of chunks it was computed from; 0 if unknown. */
  public int chunkCount() {
    return content.chunkCount();
  }

  /** Tokens per chunk; 0 if unknown. */
  public int chunkSize() {
    return content.chunkSize();
  }

  /** Names of the texts it was computed from; empty if unknown. */
  public List<String> sources() {
    return content.sources();
  }

  /** Number of matrices and chunks. */
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
