package io.github.ggml4j.cli;

import io.github.ggml4j.evaluation.EvaluationProgress;
import java.io.PrintWriter;
import java.util.Locale;
import java.util.function.Consumer;

/** Shows the progress of an evaluation on a terminal. */
final class EvaluationLine implements Consumer<EvaluationProgress>, AutoCloseable {
  private final ProgressLine line;
  private final long start = System.nanoTime();

  EvaluationLine(PrintWriter err) {
    this.line = new ProgressLine(err);
  }

  @Override
  public void accept(EvaluationProgress progress) {
    double seconds = (System.nanoTime() - start) / 1e9;
    int left = progress.totalWindows() - progress.windows();
    long secondsLeft = Math.round(seconds / progress.windows() * left);
    line.show(
        String.format(
            Locale.ROOT,
            "window %d/%d, perplexity %.4f, %,.0f tokens/s, %d:%02d left",
            progress.windows(),
            progress.totalWindows(),
            progress.perplexity(),
            progress.tokens() / seconds,
            secondsLeft / 60,
            secondsLeft % 60));
  }

  @Override
  public void close() {
    line.close();
  }
}
