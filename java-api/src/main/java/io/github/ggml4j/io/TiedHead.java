package io.github.ggml4j.io;

import io.github.ggml4j.format.ParameterNames;
import io.github.ggml4j.model.Gpt2Config;
import java.util.Arrays;
import java.util.Map;

/**
 * Decides whether the head of a model is its token embedding, as {@code
 * PreTrainedModel.tie_weights} in transformers 5: what the files hold takes precedence over {@code
 * tie_word_embeddings: true}.
 */
final class TiedHead {
  private TiedHead() {}

  /**
   * The configuration with {@code tie_word_embeddings} as the tensors have it.
   *
   * @param tensors by canonical name. If only the head is there, it becomes the embedding too; a
   *     head with the same values as the embedding is removed
   */
  static Gpt2Config resolve(
      String source, Gpt2Config config, Map<String, CheckedWeights.Stored> tensors) {
    var head = tensors.get(ParameterNames.LM_HEAD);
    if (!config.tieWordEmbeddings() || head == null) {
      return config;
    }
    var embedding = tensors.get(ParameterNames.WTE);
    if (embedding == null) {
      tensors.put(ParameterNames.WTE, head);
    } else if (!same(embedding, head)) {
      System.getLogger(TiedHead.class.getName())
          .log(
              System.Logger.Level.WARNING,
              "{0}: tie_word_embeddings is true, but {1} differs from {2}; both are kept and not"
                  + " tied. Set tie_word_embeddings to false in config.json to silence this.",
              source,
              ParameterNames.LM_HEAD,
              ParameterNames.WTE);
      return config.toBuilder().tieWordEmbeddings(false).build();
    }
    tensors.remove(ParameterNames.LM_HEAD);
    return config;
  }

  private static boolean same(CheckedWeights.Stored a, CheckedWeights.Stored b) {
    return a.dtype() == b.dtype()
        && Arrays.equals(a.shape(), b.shape())
        && a.data().get().mismatch(b.data().get()) < 0;
  }
}
