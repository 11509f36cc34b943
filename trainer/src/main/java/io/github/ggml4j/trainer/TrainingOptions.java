package io.github.ggml4j.trainer;

import io.github.ggml4j.error.InvalidArgumentException;
import io.github.ggml4j.model.Gpt2Config;
import io.github.ggml4j.tokenizer.Tokenizer;

/**
 * The checked options of one training, by subject.
 *
 * @param seed of shuffling and dropout
 */
record TrainingOptions(
    LengthOptions length,
    BatchOptions batches,
    SequenceOptions sequences,
    UpdateOptions update,
    EvaluationOptions evaluation,
    CheckpointOptions checkpoints,
    long seed) {

  /** Checks the options that depend on the model and its tokenizer. */
  void check(Gpt2Config config, Tokenizer tokenizer) {
    sequences.check(config, tokenizer);
    update.check(evaluation);
    evaluation.check(config, tokenizer, checkpoints);
    checkVocabulary(config, tokenizer);
  }

  /** The same for reading the evaluation data: in order, one batch after the other. */
  TrainingOptions forEvaluation() {
    int batchSize = evaluation.batchSize().orElse(batches.batchSize());
    return new TrainingOptions(
        length,
        new BatchOptions(batchSize, 1, false),
        sequences,
        update,
        evaluation,
        checkpoints,
        seed);
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
