package io.github.ggml4j.trainer;

import io.github.ggml4j.error.InvalidArgumentException;
import io.github.ggml4j.internal.Check;
import io.github.ggml4j.model.Gpt2Config;
import io.github.ggml4j.tokenizer.Tokenizer;
import java.util.function.BiConsumer;

/**
 * How documents become sequences of tokens.
 *
 * @param maxSequenceLength maximum number of tokens of a sequence
 * @param packing whether documents are concatenated and split into blocks
 * @param padding how short documents are padded
 */
record SequenceOptions(int maxSequenceLength, boolean packing, Padding padding) {
  SequenceOptions {
    Check.atLeast("maxSequenceLength", maxSequenceLength, 2);
    if (packing && padding == Padding.LEARNED) {
      throw new InvalidArgumentException(
          "padding", padding, "MASKED with {packing}", "Packed blocks have no padding to learn");
    }
  }

  /** Checks what depends on the model and its tokenizer. */
  void check(Gpt2Config config, Tokenizer tokenizer) {
    if (maxSequenceLength > config.nPositions()) {
      throw new InvalidArgumentException(
          "maxSequenceLength",
          maxSequenceLength,
          "at most the model's n_positions = " + config.nPositions());
    }
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

  /** Passes each option that changes the result of a training to a consumer, by name. */
  void identity(BiConsumer<String, Object> out) {
    out.accept("maxSequenceLength", maxSequenceLength);
    out.accept("packing", packing);
    out.accept("padding", padding);
  }
}
