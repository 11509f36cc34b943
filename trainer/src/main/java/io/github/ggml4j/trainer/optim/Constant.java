package io.github.ggml4j.trainer.optim;

import java.util.OptionalLong;

/** Factor 1 throughout; an enum for its readable name and its equality. */
enum Constant implements Schedule {
  INSTANCE;

  @Override
  public double factor(long step, OptionalLong totalSteps) {
    return 1;
  }

  @Override
  public String toString() {
    return "Constant";
  }
}
