package io.github.ggml4j.trainer;

import java.io.PrintStream;
import java.time.Duration;
import java.util.Locale;
import java.util.OptionalInt;

/** Ways to show how a training goes on. */
public final class Progress {
  private static final Duration LINE_INTERVAL = Duration.ofSeconds(5);

  private Progress() {}

  /**
   * On standard error a bar with epoch, loss, learning rate, tokens per second and time left; where
   * that is no terminal, a line every few seconds.
   *
   * @return a new listener for one training after another
   */
  public static TrainingListener console() {
    if (terminalWidth().isPresent()) {
      return new ProgressBarListener(Terminal.standardError());
    }
    return lines(Terminal.standardError());
  }

  /**
   * Characters of a line of the terminal that standard error is, on which a line may be written
   * over; standard output may be a file at the same time. Asks the system, which takes some
   * milliseconds.
   *
   * @return empty where standard error is no terminal, or one that cannot do that
   */
  public static OptionalInt terminalWidth() {
    return "dumb".equals(System.getenv("TERM")) ? OptionalInt.empty() : Terminal.width();
  }

  /**
   * A line every few seconds.
   *
   * @param out where to; not closed
   * @return a new listener for one training after another
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
}
