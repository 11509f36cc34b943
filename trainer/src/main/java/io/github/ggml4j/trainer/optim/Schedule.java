package io.github.ggml4j.trainer.optim;

import java.util.OptionalLong;

/**
 * The course of the learning rate, as the function in PyTorch's {@code LambdaLR}: the rate of a
 * step is the optimizer's base learning rate times {@link #factor}.
 */
@FunctionalInterface
public interface Schedule {

  /**
   * Factor on the base learning rate.
   *
   * @param step optimizer step, from 0
   * @param totalSteps number of optimizer steps of the whole training, empty when unknown
   * @return the factor, finite and at least 0
   * @throws IllegalArgumentException if the schedule cannot do without a total that is unknown; the
   *     trainer asks for step 0 before any work, so that this shows at once
   */
  double factor(long step, OptionalLong totalSteps);

  /**
   * The base learning rate throughout.
   *
   * @return a schedule of factor 1
   */
  static Schedule constant() {
    return Constant.INSTANCE;
  }
}
