package io.github.ggml4j.evaluation;

import io.github.ggml4j.error.InvalidArgumentException;
import io.github.ggml4j.inference.ScoringSession;
import io.github.ggml4j.internal.Check;
import io.github.ggml4j.model.Gpt2Model;
import io.github.ggml4j.tokenizer.Tokenizer;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/**
 * Compares the predictions of models with those of the base model that they were made from, for
 * example by quantization. Computes {@code KL(base || model)} of each scored token in the windows
 * of {@link Perplexity#chunked}, and the other figures of {@code llama-perplexity --kl-divergence}.
 * Logits of the base are compared in float32; llama-perplexity stores them in 16 bits.
 *
 * <pre>{@code
 * var result = KlDivergence.from(base, tokenizer).evaluate(text, quantized);
 * }</pre>
 *
 * <p>Immutable; each setting returns a new object. Interrupting the thread ends an evaluation after
 * the current batch with a {@link CancellationException}.
 */
public final class KlDivergence {
  private static final int USUAL_CONTEXT = 512;

  /** Number of tokens whose logits are in memory, for each of two models. */
  private static final int ROWS = 128;

  private final Gpt2Model base;
  private final Tokenizer tokenizer;
  private final int context;
  private final int maxWindows;
  private final Consumer<EvaluationProgress> progress;

  private KlDivergence(
      Gpt2Model base,
      Tokenizer tokenizer,
      int context,
      int maxWindows,
      Consumer<EvaluationProgress> progress) {
    this.base = base;
    this.tokenizer = tokenizer;
    this.context = context;
    this.maxWindows = maxWindows;
    this.progress = progress;
  }

  /** Compares with a base model, in windows of 512 tokens or of its {@code nPositions} if less. */
  public static KlDivergence from(Gpt2Model base, Tokenizer tokenizer) {
    int context = Math.min(USUAL_CONTEXT, base.config().nPositions());
    return new KlDivergence(base, tokenizer, context, Integer.MAX_VALUE, p -> {});
  }

  /**
   * Sets the length of a window, of which the second half is scored.
   *
   * @param tokens 4 to {@code nPositions}
   * @throws InvalidArgumentException if {@code tokens} is out of range
   */
  public KlDivergence context(int tokens) {
    int positions = base.config().nPositions();
    if (tokens < 4 || tokens > positions) {
      throw new InvalidArgumentException("context", tokens, "4 to n_positions = " + positions);
    }
    return new KlDivergence(base, tokenizer, tokens, maxWindows, progress);
  }

  /**
   * Evaluates only the first windows of a text.
   *
   * @param count number of windows, at least 1
   * @throws InvalidArgumentException if {@code count} is less than 1
   */
  public KlDivergence maxWindows(int count) {
    Check.atLeast("maxWindows", count, 1);
    return new KlDivergence(base, tokenizer, context, count, progress);
  }

  /**
   * Sets a listener that is called after each window, on the evaluating thread, with the base's
   * perplexity.
   */
  public KlDivergence progress(Consumer<EvaluationProgress> listener) {
    return new KlDivergence(base, tokenizer, context, maxWindows, listener);
  }

  /** Compares one model; see {@link #evaluate(String, List)}. */
  public KlDivergenceResult evaluate(String text, Gpt2Model model) {
    return evaluate(text, List.of(model)).getFirst();
  }

  /**
   * Compares models with the base. The base is computed once for all of them.
   *
   * @param models models with the vocabulary size of the base and at least {@code context}
   *     positions
   * @return a result for each model, in the same order
   * @throws InvalidArgumentException if the text is shorter than two windows, or a model does not
   *     fit the base
   * @throws CancellationException if the thread is interrupted
   */
  public List<KlDivergenceResult> evaluate(String text, List<Gpt2Model> models) {
    models.forEach(this::check);
    var windows = windows(text);
    int scored = windows.stream().mapToInt(Window::scored).sum();
    var statistics = models.stream().map(model -> new KlStatistics(scored)).toList();
    var sessions = new ArrayList<ScoringSession>();
    var baseLosses = new Moments();
    try (var baseSession = ScoringSession.open(base)) {
      for (var model : models) {
        sessions.add(ScoringSession.open(model));
      }
      int done = 0;
      for (var window : windows) {
        Perplexity.checkInterrupt(done, windows.size());
        compare(window, baseSession, sessions, statistics, baseLosses);
        done++;
        progress.accept(
            new EvaluationProgress(
                done, windows.size(), baseLosses.count(), Math.exp(baseLosses.mean())));
      }
    } finally {
      sessions.forEach(ScoringSession::close);
    }
    return statistics.stream().map(s -> s.result(windows.size())).toList();
  }

  private List<Window> windows(String text) {
    int[] tokens = Perplexity.encode(tokenizer, text, Perplexity.Method.CHUNKED);
    var all = Perplexity.chunks(tokenizer, tokens, context);
    return all.subList(0, Math.min(all.size(), maxWindows));
  }

  /** Checks that a text is long enough. */
  void check(String text) {
    var _ = windows(text);
  }

  private void check(Gpt2Model model) {
    int vocabSize = model.config().vocabSize();
    if (vocabSize != base.config().vocabSize()) {
      throw new InvalidArgumentException(
          "vocab_size", vocabSize, base.config().vocabSize() + ", that of the base");
    }
    if (model.config().nPositions() < context) {
      throw new InvalidArgumentException(
          "context",
          context,
          "at most n_positions = " + model.config().nPositions() + " of the model to compare");
    }
  }

  private static void compare(
      Window window,
      ScoringSession base,
      List<ScoringSession> sessions,
      List<KlStatistics> statistics,
      Moments baseLosses) {
    var tokens = new int[][] {window.tokens()};
    base.read(tokens, window.first());
    for (var session : sessions) {
      session.read(tokens, window.first());
    }
    int[] labels = base.labels();
    int vocabSize = base.vocabSize();
    try (var arena = Arena.ofShared()) {
      var baseLogits = arena.allocate(4L * ROWS * vocabSize, 64);
      var logits = arena.allocate(4L * ROWS * vocabSize, 64);
      for (int row = 0; row < labels.length; row += ROWS) {
        int from = row;
        int count = Math.min(ROWS, labels.length - row);
        base.logits(row, count, baseLogits);
        for (int i = 0; i < sessions.size(); i++) {
          sessions.get(i).logits(row, count, logits);
          var rows = compare(baseLogits, logits, labels, from, count, vocabSize);
          for (var comparison : rows) {
            statistics.get(i).add(comparison);
            if (i == 0) {
              baseLosses.add(comparison.baseLoss());
            }
          }
        }
      }
    }
  }

  private static List<RowComparison> compare(
      MemorySegment base, MemorySegment other, int[] labels, int from, int count, int vocabSize) {
    return IntStream.range(0, count)
        .parallel()
        .mapToObj(r ->
            RowComparison.of(
                RowComparison.row(base, r, new float[vocabSize]),
                RowComparison.row(other, r, new float[vocabSize]),
                labels[from + r]))
        .toList();
  }
}
