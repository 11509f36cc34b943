package io.github.ggml4j.trainer;

import io.github.ggml4j.error.InvalidArgumentException;
import io.github.ggml4j.internal.Check;
import io.github.ggml4j.model.Gpt2Config;
import io.github.ggml4j.tokenizer.Tokenizer;
import io.github.ggml4j.trainer.data.Dataset;
import io.github.ggml4j.trainer.schedule.Schedule;
import io.github.ggml4j.trainer.schedule.StatefulSchedule;
import java.util.List;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * When and on what a training is evaluated, and what follows from it.
 *
 * @param dataset the evaluation data; null for no evaluation
 * @param steps steps from one evaluation to the next; empty for the end of each epoch
 * @param onStart whether to evaluate before the first step
 * @param batchSize sequences in each batch; empty for that of the training
 * @param samplePrompts prompts to continue in each evaluation
 * @param patience evaluations without improvement after which the training ends; empty for no early
 *     stopping
 * @param threshold how much lower the loss must be to count as an improvement
 * @param saveBest whether the best model is saved at the end, instead of the last
 */
record EvaluationOptions(
    @Nullable Dataset dataset,
    OptionalLong steps,
    boolean onStart,
    OptionalInt batchSize,
    List<String> samplePrompts,
    OptionalInt patience,
    OptionalDouble threshold,
    boolean saveBest) {
  EvaluationOptions {
    steps.ifPresent(value -> Check.atLeast("evalSteps", value, 1));
    batchSize.ifPresent(value -> Check.atLeast("evalBatchSize", value, 1));
    patience.ifPresent(value -> Check.atLeast("earlyStoppingPatience", value, 1));
    threshold.ifPresent(value -> Check.notNegative("earlyStoppingThreshold", value));
    samplePrompts = List.copyOf(samplePrompts);
    if (threshold.isPresent() && patience.isEmpty()) {
      throw new InvalidArgumentException(
          "earlyStoppingThreshold",
          threshold.getAsDouble(),
          "not set without {earlyStoppingPatience}",
          "Set {earlyStoppingPatience}.");
    }
    if (dataset == null) {
      refuse("evalSteps", steps.isPresent());
      refuse("evalOnStart", onStart);
      refuse("evalBatchSize", batchSize.isPresent());
      refuse("samplePrompts", !samplePrompts.isEmpty());
      refuse("earlyStoppingPatience", patience.isPresent());
      refuse("saveBest", saveBest);
    }
  }

  private static void refuse(String name, boolean set) {
    if (set) {
      throw new InvalidArgumentException(
          name, "set", "not set without {evaluate}", "Give evaluation data with {evaluate}.");
    }
  }

  /** Checks what depends on the model, its tokenizer and other options. */
  void check(Gpt2Config config, Tokenizer tokenizer, CheckpointOptions checkpoints) {
    for (String prompt : samplePrompts) {
      int tokens = tokenizer.encode(prompt).length;
      if (tokens == 0 || tokens >= config.nPositions()) {
        throw new InvalidArgumentException(
            "samplePrompts",
            "a text of " + tokens + " tokens",
            "1 to " + (config.nPositions() - 1) + " tokens in each prompt");
      }
    }
    if (saveBest && checkpoints.folder() == null) {
      throw new InvalidArgumentException(
          "saveBest",
          true,
          "false without {checkpoints}",
          "The best model is kept as a checkpoint: set {checkpoints} to a folder.");
    }
  }

  /** Whether an evaluation follows a step that does not end its epoch. */
  boolean follows(long step) {
    return dataset != null && steps.isPresent() && step % steps.getAsLong() == 0;
  }

  /** Whether an evaluation follows the end of an epoch. */
  boolean followsEpoch() {
    return dataset != null && steps.isEmpty();
  }

  /** Passes each option that changes the result of a training to a consumer, by name. */
  void identity(Schedule schedule, BiConsumer<String, Object> out) {
    if (patience.isPresent() || saveBest || schedule instanceof StatefulSchedule) {
      out.accept("evalSteps", steps.isPresent() ? steps.getAsLong() : "each epoch");
      out.accept("earlyStoppingPatience", patience.isPresent() ? patience.getAsInt() : "not set");
      out.accept("earlyStoppingThreshold", threshold.orElse(0));
      out.accept("saveBest", saveBest);
    }
  }
}
