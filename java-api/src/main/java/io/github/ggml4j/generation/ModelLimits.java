package io.github.ggml4j.generation;

import io.github.ggml4j.model.Gpt2Model;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Properties of a model that limit generation.
 *
 * @param maxLength most tokens of a sequence
 * @param bosTokenId id that an empty prompt starts from; null if there is none
 * @param eosTokenIds ids that end a sequence
 */
record ModelLimits(
    int vocabSize, int maxLength, @Nullable Integer bosTokenId, List<Integer> eosTokenIds) {
  /**
   * The limits of a model. Small models often keep GPT-2's ids in their configuration although
   * their vocabulary has fewer tokens; such ids are ignored.
   */
  static ModelLimits of(Gpt2Model model) {
    var config = model.config();
    Integer bos = model.bosTokenId();
    return new ModelLimits(
        config.vocabSize(),
        config.nPositions(),
        bos != null && bos < config.vocabSize() ? bos : null,
        model.eosTokenIds().stream().filter(id -> id < config.vocabSize()).toList());
  }
}
