package io.github.ggml4j.trainer;

import io.github.ggml4j.error.InvalidArgumentException;
import io.github.ggml4j.internal.Check;
import io.github.ggml4j.model.Gpt2Config;
import io.github.ggml4j.tokenizer.Tokenizer;
import io.github.ggml4j.trainer.optim.Optimizer;
import io.github.ggml4j.trainer.schedule.Schedule;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;

/** The checked options of one training. */
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
    Check.atLeast("batchSize", batchSize, 1);
    epochs.ifPresent(value -> Check.atLeast("epochs", value, 1));
    maxSteps.ifPresent(value -> Check.atLeast("maxSteps", value, 1));
    Check.atLeast("maxSequenceLength", maxSequenceLength, 2);
    Check.atLeast("gradientAccumulationSteps", gradientAccumulationSteps, 1);
    Check.notNegative("clipNorm", clipNorm);
    dropout.ifPresent(value -> Check.fraction("dropout", value));
    if (packing && padding == Padding.LEARNED) {
      throw new InvalidArgumentException(
          "padding", padding, "MASKED with {packing}", "Packed blocks have no padding to learn");
    }
  }

  /** Checks the options that depend on the model and its tokenizer. */
  void check(Gpt2Config config, Tokenizer tokenizer) {
    if (maxSequenceLength > config.nPositions()) {
      throw new InvalidArgumentException(
          "maxSequenceLength",
          maxSequenceLength,
          "at most the model's n_positions = " + config.nPositions());
    }
    checkVocabulary(config, tokenizer);
    if (packing && tokenizer.eosTokenId() < 0) {
      throw new InvalidArgumentException(
          "packing",
          true,
          "false with this tokenizer",
          "Packing puts the end-of-text token between documents, and this tokenizer has none");
    }
    if (padding == Padding.LEARNED && tokenizer.padTokenId() < 0) {
      throw new InvalidArgumentException(
          "padding",
          padding,
          "MASKED with this tokenizer",
          "LEARNED needs a padding or end-of-text token, and this tokenizer has none");
    }
  }

  /** Added tokens may exceed the model's vocabulary as long as training itself inserts none. */
  private static void checkVocabulary(Gpt2Config config, Tokenizer tokenizer) {
    int size = config.vocabSize();
    if (tokenizer.vocabSize() <= size) {
      return;
    }
    boolean onlyAdded =
        tokenizer.addedTokens().stream().filter(token -> token.id() >= size).count()
            == tokenizer.vocabSize() - size;
    if (!onlyAdded || tokenizer.padTokenId() >= size || tokenizer.eosTokenId() >= size) {
      throw new InvalidArgumentException(
          "tokenizer",
          tokenizer.vocabSize()
              + " tokens with padding token "
              + tokenizer.padTokenId()
              + " and end of text "
              + tokenizer.eosTokenId(),
          "ids below the model's vocab_size = " + size,
          "Use the tokenizer of this model, or a padding token below vocab_size");
    }
    System.getLogger(TrainingOptions.class.getName())
        .log(
            System.Logger.Level.WARNING,
            () ->
                "The tokenizer has added tokens up to id "
                    + (tokenizer.vocabSize() - 1)
                    + ", but the model has vocab_size = "
                    + size
                    + ". Training fails if one of them occurs in the texts.");
  }
}
