package io.github.ggml4j.trainer;

import java.io.PrintStream;
import java.time.Duration;
import java.util.Locale;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import me.tongfei.progressbar.DelegatingProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressState;
import org.jspecify.annotations.Nullable;

/** A progress bar in one line that fits the width of the terminal. */
final class ProgressBarListener implements TrainingListener {
  private static final int UPDATE_MILLIS = 250;
  private static final int MAX_BAR = 30;
  private static final int MIN_BAR = 5;

  private RunningMeans means = new RunningMeans();
  private OptionalDouble epochs = OptionalDouble.empty();
  private OptionalLong steps = OptionalLong.empty();
  private @Nullable ProgressBar bar;
  private final PrintStream terminal;
  private volatile int drawnLength;
  private volatile String before = "";
  private volatile String after = "";

  ProgressBarListener(PrintStream terminal) {
    this.terminal = terminal;
  }

  @Override
  public void onTrainBegin(TrainingPlan plan, TrainerControl control) {
    means = new RunningMeans();
    epochs = plan.epochs();
    steps = plan.totalSteps();
    before = "step " + plan.stepsDone() + total();
    after = "";
    Progress.resumed(plan).ifPresent(terminal::println);
    bar =
        new ProgressBarBuilder()
            .setInitialMax(steps.orElse(-1))
            .setUpdateIntervalMillis(UPDATE_MILLIS)
            .setRenderer(this::render)
            // The last column is not used: some terminals start a new line there. This consumer
            // also keeps JLine out: see Terminal.
            .setConsumer(
                new DelegatingProgressBarConsumer(
                    this::draw, Terminal.width().orElse(Terminal.DEFAULT_WIDTH) - 1))
            .build();
  }

  private String total() {
    return steps.isPresent() ? "/" + steps.getAsLong() : "";
  }

  @Override
  public void onStepEnd(StepMetrics step, TrainerControl control) {
    means.add(step);
    String epoch = String.format(Locale.ROOT, "epoch %.2f", step.epoch());
    before =
        epoch
            + (epochs.isPresent() ? "/" + Progress.epochs(epochs.getAsDouble()) : "")
            + ", step "
            + step.step()
            + total();
    after =
        Progress.numbers(means.loss(), step.learningRate(), means.tokensPerSecond())
            + left(step.step());
    if (bar != null) {
      bar.stepTo(step.step());
    }
  }

  @Override
  public void onEvaluate(EvaluationMetrics metrics, TrainerControl control) {
    draw("");
    terminal.print("\r");
    Progress.evaluation(metrics).forEach(terminal::println);
  }

  private String left(long step) {
    if (steps.isEmpty()) {
      return "";
    }
    double seconds = (steps.getAsLong() - step) * means.secondsPerStep();
    return ", " + Progress.clock(Duration.ofSeconds(Math.round(seconds))) + " left";
  }

  /** Called on the drawing thread. */
  private String render(ProgressState state, int width) {
    return line(before, after, state.getNormalizedProgress(), width);
  }

  /** Overwrites the previous line and clears the rest of it if the new one is shorter. */
  private void draw(String line) {
    String rest = " ".repeat(Math.max(0, drawnLength - line.length()));
    drawnLength = line.length();
    terminal.print("\r" + line + rest);
    terminal.flush();
  }

  /** The bar uses the width that the text around it leaves free. */
  static String line(String before, String after, double done, int width) {
    int room = Math.min(MAX_BAR, width - before.length() - after.length() - 4);
    String line = before + " " + after;
    if (room >= MIN_BAR && done >= 0) {
      int full = (int) Math.round(Math.min(1, done) * room);
      line = before + " [" + "=".repeat(full) + " ".repeat(room - full) + "] " + after;
    }
    return line.length() <= width ? line : line.substring(0, Math.max(0, width));
  }

  @Override
  public void onTrainEnd(TrainingResult result) {
    close();
    if (result.cancelled()) {
      terminal.println(
          ProgressLines.summary(result)); // after Ctrl-C the JVM may end before others print
    }
  }

  @Override
  public void onFailure(Throwable failure) {
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
