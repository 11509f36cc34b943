package io.github.ggml4j.trainer;

import java.util.ArrayList;
import java.util.List;

/** Combines several listeners into one. The progress listener is called last. */
final class Listeners implements TrainingListener {
  private final List<TrainingListener> all;

  Listeners(TrainingListener progress, List<TrainingListener> listeners) {
    all = new ArrayList<>(listeners);
    all.add(progress);
  }

  @Override
  public void started(TrainingPlan plan) {
    all.forEach(listener -> listener.started(plan));
  }

  @Override
  public void stepped(StepMetrics step) {
    all.forEach(listener -> listener.stepped(step));
  }

  @Override
  public void finished(TrainingResult result) {
    all.forEach(listener -> listener.finished(result));
  }

  @Override
  public void failed(Throwable failure) {
    for (TrainingListener listener : all) {
      try {
        listener.failed(failure);
      } catch (RuntimeException e) {
        failure.addSuppressed(e);
      }
    }
  }
}
