package io.github.ggml4j.trainer.schedule;

import java.util.Map;

/**
 * A schedule that depends on the metric of earlier evaluations. Immutable: an evaluation returns
 * the schedule that is used from then on, so that one schedule can start several trainings.
 */
public interface StatefulSchedule extends Schedule {

  /**
   * The schedule after an evaluation.
   *
   * @param metric the metric, usually the loss; NaN counts as no improvement
   * @return the schedule for the following steps
   */
  StatefulSchedule evaluated(double metric);

  /**
   * What the schedule knows of earlier evaluations, for a checkpoint.
   *
   * @return numbers by name
   */
  Map<String, Double> state();

  /**
   * The same options with the state of a checkpoint.
   *
   * @param state the result of {@link #state}
   * @return a changed copy
   * @throws IllegalArgumentException if a number is missing or is not one that {@link #state} gives
   */
  StatefulSchedule withState(Map<String, Double> state);
}
