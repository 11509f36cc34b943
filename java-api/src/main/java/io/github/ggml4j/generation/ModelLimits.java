package io.github.ggml4j.generation;

import io.github.ggml4j.model.Gpt2Model;
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
  /**
   * Those of a model. Small models often keep GPT-2's own ids in their configuration, which their
   * vocabulary does not reach: such a token cannot occur, and counts as none.
   */
  static ModelLimits of(Gpt2Model model) {
    var config = model.config();
    Integer bos = config.bosTokenId();
    return new ModelLimits(
        config.vocabSize(),
        config.nPositions(),
        bos != null && bos < config.vocabSize() ? bos : null,
        model.eosTokenIds().stream().filter(id -> id < config.vocabSize()).toList());
  }
}
