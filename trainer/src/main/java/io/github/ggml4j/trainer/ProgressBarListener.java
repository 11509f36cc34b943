package io.github.ggml4j.trainer;

import java.io.PrintStream;
import java.time.Duration;
import java.util.Locale;
import java.util.OptionalInt;
import java.util.OptionalLong;
import me.tongfei.progressbar.DelegatingProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressState;
import org.jspecify.annotations.Nullable;

/** A progress bar on the terminal, in one line that fits its width. */
final class ProgressBarListener implements TrainingListener {
  private static final int UPDATE_MILLIS = 250;
  private static final int LONGEST_BAR = 30;
  private static final int SHORTEST_BAR = 5;

  private RunningMeans means = new RunningMeans();
  private OptionalInt epochs = OptionalInt.empty();
  private OptionalLong steps = OptionalLong.empty();
  private @Nullable ProgressBar bar;
  private final PrintStream terminal;
  private volatile int drawn;
  private volatile String before = "";
  private volatile String behind = "";

  ProgressBarListener(PrintStream terminal) {
    this.terminal = terminal;
  }

  @Override
  public void started(TrainingPlan plan) {
    means = new RunningMeans();
    epochs = plan.epochs();
    steps = plan.totalSteps();
    before = "step 0" + total();
    behind = "";
    bar =
        new ProgressBarBuilder()
            .setInitialMax(steps.orElse(-1))
            .setUpdateIntervalMillis(UPDATE_MILLIS)
            .setRenderer(this::render)
            // Without the last column, in which some terminals begin a new line. This consumer also
            // keeps JLine out: see Terminal.
            .setConsumer(
                new DelegatingProgressBarConsumer(
                    this::draw, Terminal.width().orElse(Terminal.USUAL_WIDTH) - 1))
            .build();
  }

  private String total() {
    return steps.isPresent() ? "/" + steps.getAsLong() : "";
  }

  @Override
  public void stepped(StepMetrics step) {
    means.add(step);
    String epoch = String.format(Locale.ROOT, "epoch %.2f", step.epoch());
    before =
        epoch
            + (epochs.isPresent() ? "/" + epochs.getAsInt() : "")
            + ", step "
            + step.step()
            + total();
    behind =
        Progress.numbers(means.loss(), step.learningRate(), means.tokensPerSecond())
            + left(step.step());
    if (bar != null) {
      bar.stepTo(step.step());
    }
  }

  private String left(long step) {
    if (steps.isEmpty()) {
      return "";
    }
    double seconds = (steps.getAsLong() - step) * means.secondsPerStep();
    return ", " + Progress.clock(Duration.ofSeconds(Math.round(seconds))) + " left";
  }

  /** Called from the thread that draws. */
  private String render(ProgressState state, int width) {
    return line(before, behind, state.getNormalizedProgress(), width);
  }

  /** Over the line as it was, which the new one may be shorter than. */
  private void draw(String line) {
    String rest = " ".repeat(Math.max(0, drawn - line.length()));
    drawn = line.length();
    terminal.print("\r" + line + rest);
    terminal.flush();
  }

  /** The bar takes what the numbers leave. */
  static String line(String before, String behind, double done, int width) {
    int room = Math.min(LONGEST_BAR, width - before.length() - behind.length() - 4);
    String line = before + " " + behind;
    if (room >= SHORTEST_BAR && done >= 0) {
      int full = (int) Math.round(Math.min(1, done) * room);
      line = before + " [" + "=".repeat(full) + " ".repeat(room - full) + "] " + behind;
    }
    return line.length() <= width ? line : line.substring(0, Math.max(0, width));
  }

  @Override
  public void finished(TrainingResult result) {
    close();
    if (result.cancelled()) {
      terminal.println(ProgressLines.summary(result)); // after Ctrl-C nobody else may get to it
    }
  }

  @Override
  public void failed(Throwable failure) {
    close();
  }

  private void close() {
    if (bar != null) {
      bar.close();
      bar = null;
      terminal.println();
    }
  }
}
