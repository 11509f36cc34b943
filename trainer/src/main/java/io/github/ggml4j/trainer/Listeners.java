package io.github.ggml4j.trainer;

import java.nio.file.Path;
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
  public void onTrainBegin(TrainingPlan plan, TrainerControl control) {
    all.forEach(listener -> listener.onTrainBegin(plan, control));
  }

  @Override
  public void onEpochBegin(TrainerControl control) {
    all.forEach(listener -> listener.onEpochBegin(control));
  }

  @Override
  public void onStepBegin(TrainerControl control) {
    all.forEach(listener -> listener.onStepBegin(control));
  }

  @Override
  public void onStepEnd(StepMetrics step, TrainerControl control) {
    all.forEach(listener -> listener.onStepEnd(step, control));
  }

  @Override
  public void onEvaluate(EvaluationMetrics metrics, TrainerControl control) {
    all.forEach(listener -> listener.onEvaluate(metrics, control));
  }

  @Override
  public void onSave(Path checkpoint, TrainerControl control) {
    all.forEach(listener -> listener.onSave(checkpoint, control));
  }

  @Override
  public void onEpochEnd(TrainerControl control) {
    all.forEach(listener -> listener.onEpochEnd(control));
  }

  @Override
  public void onTrainEnd(TrainingResult result) {
    all.forEach(listener -> listener.onTrainEnd(result));
  }

  @Override
  public void onFailure(Throwable failure) {
    for (TrainingListener listener : all) {
      try {
        listener.onFailure(failure);
      } catch (RuntimeException e) {
        failure.addSuppressed(e);
      }
    }
  }
}
