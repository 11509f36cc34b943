package io.github.ggml4j.trainer;

import io.github.ggml4j.model.Gpt2Config;
import io.github.ggml4j.tokenizer.Tokenizer;
import io.github.ggml4j.trainer.optim.Optimizer;
import io.github.ggml4j.trainer.schedule.Schedule;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;

/** The values of one training; what is wrong with them is found here, before any work. */
record TrainingOptions(
    int batchSize,
    OptionalInt epochs,
    OptionalLong maxSteps,
    int maxSequenceLength,
    Optimizer optimizer,
    Schedule schedule,
    double clipNorm,
    int gradientAccumulationSteps,
    OptionalDouble dropout,
    boolean shuffle,
    long seed,
    boolean packing,
    Padding padding) {

  TrainingOptions {
    atLeastOne("batchSize", batchSize, "sequences");
    epochs.ifPresent(value -> atLeastOne("epochs", value, "passes over the data"));
    maxSteps.ifPresent(value -> atLeastOne("maxSteps", value, "optimizer steps"));
    if (maxSequenceLength < 2) {
      throw new IllegalArgumentException(
          "maxSequenceLength must be >= 2 tokens, since each token is predicted from those before,"
              + " not "
              + maxSequenceLength);
    }
    atLeastOne("gradientAccumulationSteps", gradientAccumulationSteps, "batches");
    if (!(clipNorm >= 0)) {
      throw new IllegalArgumentException(
          "clipNorm must be >= 0, where 0 is no clipping, not " + clipNorm);
    }
    dropout.ifPresent(value -> {
      if (!(value >= 0 && value < 1)) {
        throw new IllegalArgumentException("dropout must be in [0, 1), not " + value);
      }
    });
    if (packing && padding == Padding.LEARNED) {
      throw new IllegalArgumentException(
          "padding LEARNED and packing exclude each other: packed blocks have no padding to learn");
    }
  }

  /** What decides which steps a training takes, for comparison; the number of them does not. */
  String identity(Gpt2Config config, OptionalLong sequences) {
    return String.join(
        ", ",
        "batchSize " + batchSize,
        "gradientAccumulationSteps " + gradientAccumulationSteps,
        "maxSequenceLength " + maxSequenceLength,
        "optimizer " + optimizer.getClass().getSimpleName(),
        "shuffle " + shuffle,
        "seed " + seed,
        "packing " + packing,
        "padding " + padding,
        "model " + config.nLayer() + "x" + config.nEmbd() + " of " + config.vocabSize(),
        sequences.isPresent() ? sequences.getAsLong() + " sequences" : "a stream");
  }

  private static void atLeastOne(String name, long value, String unit) {
    if (value < 1) {
      throw new IllegalArgumentException(name + " must be >= 1 " + unit + ", not " + value);
    }
  }

  /** Checks what depends on the model and its tokenizer. */
  void check(Gpt2Config config, Tokenizer tokenizer) {
    if (maxSequenceLength > config.nPositions()) {
      throw new IllegalArgumentException(
          "maxSequenceLength is "
              + maxSequenceLength
              + " tokens, but the model has n_positions = "
              + config.nPositions());
    }
    if (tokenizer.vocabSize() > config.vocabSize()) {
      throw new IllegalArgumentException(
          "The tokenizer has "
              + tokenizer.vocabSize()
              + " tokens, but the model has vocab_size = "
              + config.vocabSize()
              + ". Use the tokenizer of this model.");
    }
    if (packing && tokenizer.eosTokenId() < 0) {
      throw new IllegalArgumentException(
          "packing puts the end-of-text token between documents, but the tokenizer has none");
    }
    if (padding == Padding.LEARNED && tokenizer.padTokenId() < 0) {
      throw new IllegalArgumentException(
          "padding LEARNED needs a padding or end-of-text token, but the tokenizer has none");
    }
  }
}
