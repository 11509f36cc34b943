package io.github.ggml4j.trainer;

import java.io.Console;
import java.io.PrintStream;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;

/** Ways to show how a training goes on. */
public final class Progress {
  private static final Duration LINE_INTERVAL = Duration.ofSeconds(5);

  private Progress() {}

  /**
   * A bar on the terminal with epoch, loss, learning rate, tokens per second and time left; where
   * standard error is none, a line every few seconds.
   *
   * @return a new listener for one training after another
   */
  public static TrainingListener console() {
    // Some releases of Java give no console without a terminal, others one that is none.
    boolean terminal =
        Optional.ofNullable(System.console()).map(Console::isTerminal).orElse(false)
            && !"dumb".equals(System.getenv("TERM"));
    if (terminal) {
      return new ProgressBarListener(Terminal.standardError());
    }
    return lines(Terminal.standardError());
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
