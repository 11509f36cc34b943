package io.github.ggml4j.trainer.schedule;

import java.util.OptionalLong;

/** Factor 1 in every step. An enum has equality and a readable name. */
enum Constant implements Schedule {
  INSTANCE;

  @Override
  public double factor(long step, OptionalLong totalSteps) {
    return 1;
  }

  @Override
  public boolean usesTotalSteps() {
    return false;
  }

  @Override
  public String toString() {
    return "Constant";
  }
}
