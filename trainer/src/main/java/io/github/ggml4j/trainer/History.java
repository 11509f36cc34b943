package io.github.ggml4j.trainer;

import java.util.ArrayList;
import java.util.List;

/**
 * The steps of a training, evenly thinned out so that the number kept stays below a limit: first
 * every step, then every second, every fourth and so on.
 */
final class History {
  private static final int MAX_STEPS = 10_000;

  private final List<StepMetrics> steps = new ArrayList<>();
  private final List<EvaluationMetrics> evaluations = new ArrayList<>();
  private long interval = 1;
  private long count;

  void add(StepMetrics step) {
    if (count++ % interval == 0) {
      steps.add(step);
      if (steps.size() == MAX_STEPS) {
        for (int i = 0; i < MAX_STEPS / 2; i++) {
          steps.set(i, steps.get(2 * i));
        }
        steps.subList(MAX_STEPS / 2, MAX_STEPS).clear();
        interval *= 2;
      }
    }
  }

  void add(EvaluationMetrics evaluation) {
    evaluations.add(evaluation);
  }

  List<StepMetrics> steps() {
    return List.copyOf(steps);
  }

  List<EvaluationMetrics> evaluations() {
    return List.copyOf(evaluations);
  }
}
