package io.github.ggml4j.cli;

import io.github.ggml4j.generation.GeneratedSequence;
import io.github.ggml4j.generation.GeneratedToken;
import java.util.Locale;
import tools.jackson.databind.json.JsonMapper;

/** Formats generated texts and tokens as one line of JSON. */
final class GenerationJson {
  private GenerationJson() {}

  static String of(String prompt, GeneratedSequence sequence, long seed) {
    var node = JsonMapper.shared().createObjectNode();
    node.put("prompt", prompt);
    node.put("text", sequence.text());
    var ids = node.putArray("ids");
    for (int id : sequence.ids()) {
      ids.add(id);
    }
    var logProbs = node.putArray("log_probs");
    for (float logProb : sequence.logProbs()) {
      logProbs.add(logProb);
    }
    if (!Float.isNaN(sequence.score())) {
      node.put("score", sequence.score());
    }
    node.put("finish_reason", name(sequence.finishReason()));
    node.put("seed", seed);
    return node.toString();
  }

  static String of(GeneratedToken token) {
    var node = JsonMapper.shared().createObjectNode();
    node.put("id", token.id());
    node.put("text", token.text());
    node.put("log_prob", token.logProb());
    if (token.finishReason() != null) {
      node.put("finish_reason", name(token.finishReason()));
    }
    return node.toString();
  }

  private static String name(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT);
  }
}
