package io.github.ggml4j.trainer;

import java.io.PrintStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;

/** Ways to show the progress of a training. */
public final class Progress {
  private static final Duration LINE_INTERVAL = Duration.ofSeconds(5);

  private Progress() {}

  /**
   * Prints to standard error: a bar with epoch, loss, learning rate, tokens per second and time
   * left; or, if standard error is not a terminal, a line every 5 seconds.
   *
   * @return a new listener, which may be used for one training after another
   */
  public static TrainingListener console() {
    if (terminalWidth().isPresent()) {
      return new ProgressBarListener(Terminal.standardError());
    }
    return lines(Terminal.standardError());
  }

  /**
   * Width of the terminal, if standard error is one. Standard output is not considered. Starts a
   * process, which takes some milliseconds.
   *
   * @return characters per line; empty if standard error is not a terminal, or if lines of the
   *     terminal cannot be overwritten
   */
  public static OptionalInt terminalWidth() {
    return "dumb".equals(System.getenv("TERM")) ? OptionalInt.empty() : Terminal.width();
  }

  /**
   * Prints a line every 5 seconds.
   *
   * @param out where to print; not closed
   * @return a new listener, which may be used for one training after another
   */
  public static TrainingListener lines(PrintStream out) {
    return new ProgressLines(out, LINE_INTERVAL);
  }

  /**
   * Shows nothing.
   *
   * @return a listener
   */
  public static TrainingListener none() {
    return new TrainingListener() {};
  }

  /** The line that says where a training resumes; empty for a new training. */
  static Optional<String> resumed(TrainingPlan plan) {
    return plan.stepsDone() == 0
        ? Optional.empty()
        : Optional.of("resuming after step " + plan.stepsDone());
  }

  /** A number of epochs: whole, or with two digits. */
  static String epochs(double epochs) {
    return epochs == Math.rint(epochs)
        ? String.valueOf((long) epochs)
        : String.format(Locale.ROOT, "%.2f", epochs);
  }

  /** The text beside the bar. */
  static String numbers(double loss, double learningRate, double tokensPerSecond) {
    return String.format(
        Locale.ROOT, "loss %.4f, lr %.2e, %,.0f tok/s", loss, learningRate, tokensPerSecond);
  }

  /** Hours, minutes and seconds. */
  static String clock(Duration time) {
    return String.format(
        Locale.ROOT, "%d:%02d:%02d", time.toHours(), time.toMinutesPart(), time.toSecondsPart());
  }

  /** The lines about an evaluation: its numbers, then its samples. */
  static List<String> evaluation(EvaluationMetrics metrics) {
    List<String> lines = new ArrayList<>();
    lines.add(
        String.format(
            Locale.ROOT,
            "evaluation at step %d: loss %.4f, perplexity %.2f, accuracy %.1f%%",
            metrics.step(),
            metrics.loss(),
            metrics.perplexity(),
            100 * metrics.accuracy()));
    metrics.samples().forEach(text -> lines.add("  " + text.strip().replaceAll("\\R", " ")));
    return lines;
  }
}
