package io.github.ggml4j.generation;

import io.github.ggml4j.model.Gpt2Config;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a generation must know of its model.
 *
 * @param maxLength most tokens of a sequence
 * @param bosTokenId the id that a text begins with, or null
 * @param eosTokenIds ids that end a sequence
 */
record ModelLimits(
    int vocabSize, int maxLength, @Nullable Integer bosTokenId, List<Integer> eosTokenIds) {
  static ModelLimits of(Gpt2Config config) {
    Integer eos = config.eosTokenId();
    return new ModelLimits(
        config.vocabSize(),
        config.nPositions(),
        config.bosTokenId(),
        eos == null ? List.of() : List.of(eos));
  }
}
