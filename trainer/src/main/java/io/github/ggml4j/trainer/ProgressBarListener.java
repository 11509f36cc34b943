package io.github.ggml4j.trainer;

import java.util.Locale;
import java.util.OptionalInt;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.jspecify.annotations.Nullable;

/** A progress bar on the terminal. */
final class ProgressBarListener implements TrainingListener {
  private static final int UPDATE_MILLIS = 250;

  private RunningMeans means = new RunningMeans();
  private OptionalInt epochs = OptionalInt.empty();
  private @Nullable ProgressBar bar;

  @Override
  public void started(TrainingPlan plan) {
    means = new RunningMeans();
    epochs = plan.epochs();
    bar =
        new ProgressBarBuilder()
            .setTaskName("Training")
            .setInitialMax(plan.totalSteps().orElse(-1))
            .setStyle(ProgressBarStyle.ASCII)
            .setUpdateIntervalMillis(UPDATE_MILLIS)
            .build();
  }

  @Override
  public void stepped(StepMetrics step) {
    means.add(step);
    if (bar != null) {
      String of = epochs.isPresent() ? "/" + epochs.getAsInt() : "";
      bar.setExtraMessage(
          String.format(Locale.ROOT, "epoch %.2f%s, ", step.epoch(), of)
              + Progress.numbers(means.loss(), step.learningRate(), means.tokensPerSecond()));
      bar.stepTo(step.step());
    }
  }

  @Override
  public void finished(TrainingResult result) {
    close();
  }

  @Override
  public void failed(Throwable failure) {
    close();
  }

  private void close() {
    if (bar != null) {
      bar.close();
      bar = null;
    }
  }
}
