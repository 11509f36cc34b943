package io.github.ggml4j.trainer;

import java.io.PrintStream;
import java.time.Duration;
import java.util.Locale;
import java.util.OptionalLong;

/** Prints a line for the first step, the last step, and at intervals between them. */
final class ProgressLines implements TrainingListener {
  private final PrintStream out;
  private final long interval;
  private RunningMeans means = new RunningMeans();
  private OptionalLong total = OptionalLong.empty();
  private long lastLine;

  ProgressLines(PrintStream out, Duration interval) {
    this.out = out;
    this.interval = interval.toNanos();
  }

  @Override
  public void onTrainBegin(TrainingPlan plan, TrainerControl control) {
    means = new RunningMeans();
    total = plan.totalSteps();
    Progress.resumed(plan).ifPresent(out::println);
  }

  @Override
  public void onStepEnd(StepMetrics step, TrainerControl control) {
    means.add(step);
    boolean last = total.isPresent() && step.step() == total.getAsLong();
    if (step.step() == 1 || last || System.nanoTime() - lastLine >= interval) {
      lastLine = System.nanoTime();
      out.println(line(step));
    }
  }

  @Override
  public void onEvaluate(EvaluationMetrics metrics, TrainerControl control) {
    Progress.evaluation(metrics).forEach(out::println);
  }

  private String line(StepMetrics step) {
    String steps = "step " + step.step();
    String left = "";
    if (total.isPresent()) {
      long count = total.getAsLong() - step.step();
      steps += "/" + total.getAsLong();
      left = ", " + Progress.clock(Duration.ofSeconds(Math.round(count * means.secondsPerStep())));
      left += " left";
    }
    return String.format(Locale.ROOT, "epoch %.2f, %s, ", step.epoch(), steps)
        + Progress.numbers(means.loss(), step.learningRate(), means.tokensPerSecond())
        + left;
  }

  @Override
  public void onTrainEnd(TrainingResult result) {
    out.println(summary(result));
  }

  static String summary(TrainingResult result) {
    if (result.steps() == 0) {
      return "stopped before the first step; nothing was saved";
    }
    return (result.cancelled() ? "stopped after " : "done: ")
        + result.steps()
        + (result.steps() == 1 ? " step in " : " steps in ")
        + Progress.clock(result.duration())
        + result.savedTo().map(folder -> ", saved to " + folder).orElse("");
  }
}
