package io.github.ggml4j.trainer.optim;

import io.github.ggml4j.trainer.engine.UpdateRule;

/**
 * How parameters follow their gradients. A value, immutable and free to share; the state that an
 * optimizer keeps (moments, momentum) belongs to the training engine.
 */
public sealed interface Optimizer permits AdamW, Sgd {

  /**
   * Base learning rate; the rate of a step is this times the factor of the {@link Schedule}.
   *
   * @return the base learning rate, finite and at least 0
   */
  double learningRate();

  /**
   * The arithmetic as the training engine runs it.
   *
   * @return the rule, without the learning rate, which each step brings along
   */
  UpdateRule rule();
}
