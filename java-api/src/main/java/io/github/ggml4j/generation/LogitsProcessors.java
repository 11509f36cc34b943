package io.github.ggml4j.generation;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.LinkedHashSet;
import java.util.List;

/**
 * Hugging Face's logits processors. {@link GenerationConfig} puts them together in Hugging Face's
 * order; here they are one by one.
 */
public final class LogitsProcessors {
  private LogitsProcessors() {}

  /**
   * {@code RepetitionPenaltyLogitsProcessor}: the score of every token of the sequence, prompt
   * included, is divided by the penalty when positive and multiplied when negative.
   *
   * @param penalty over 0; over 1 discourages repetition
   */
  public static LogitsProcessor repetitionPenalty(float penalty) {
    Check.positive("repetitionPenalty", penalty);
    return (tokens, logits) -> {
      var seen = new BitSet(logits.length);
      for (int token : tokens) {
        if (token < logits.length && !seen.get(token)) {
          seen.set(token);
          float score = logits[token];
          logits[token] = score < 0 ? score * penalty : score / penalty;
        }
      }
    };
  }

  /**
   * {@code NoRepeatNGramLogitsProcessor}: no run of this many tokens occurs twice.
   *
   * @param size at least 1
   */
  public static LogitsProcessor noRepeatNgram(int size) {
    Check.atLeast("noRepeatNgramSize", size, 1);
    return (tokens, logits) -> {
      int suffix = tokens.length - (size - 1);
      for (int start = 0; start + size <= tokens.length; start++) {
        if (Arrays.equals(tokens, start, start + size - 1, tokens, suffix, tokens.length)) {
          forbid(logits, tokens[start + size - 1]);
        }
      }
    };
  }

  /**
   * {@code NoBadWordsLogitsProcessor}: none of these sequences of tokens is completed. Single
   * end-of-sequence tokens in it have no effect; use the minimum length.
   */
  public static LogitsProcessor badWords(
      List<List<Integer>> badWordsIds, List<Integer> eosTokenIds) {
    var words = new ArrayList<int[]>();
    for (var word : new LinkedHashSet<>(badWordsIds)) {
      if (word.isEmpty()) {
        throw new IllegalArgumentException(
            "badWords has an empty sequence; expected at least one token id in each");
      }
      if (word.size() > 1 || !eosTokenIds.contains(word.getFirst())) {
        words.add(word.stream().mapToInt(Integer::intValue).toArray());
      }
    }
    return (tokens, logits) -> {
      for (int[] word : words) {
        int prefix = word.length - 1;
        if (prefix <= tokens.length
            && Arrays.equals(word, 0, prefix, tokens, tokens.length - prefix, tokens.length)) {
          forbid(logits, word[prefix]);
        }
      }
    };
  }

  /**
   * {@code MinLengthLogitsProcessor}: no end of sequence before this many tokens, prompt included.
   */
  public static LogitsProcessor minLength(int minLength, List<Integer> eosTokenIds) {
    Check.atLeast("minLength", minLength, 0);
    return (tokens, logits) -> {
      if (tokens.length < minLength) {
        eosTokenIds.forEach(eos -> forbid(logits, eos));
      }
    };
  }

  /**
   * {@code MinNewTokensLengthLogitsProcessor}: no end of sequence before this many tokens after the
   * prompt.
   */
  public static LogitsProcessor minNewTokens(
      int promptLength, int minNewTokens, List<Integer> eosTokenIds) {
    Check.atLeast("minNewTokens", minNewTokens, 0);
    return minLength(Math.addExact(promptLength, minNewTokens), eosTokenIds);
  }

  /**
   * {@code ForcedEOSTokenLogitsProcessor}: the token that reaches the maximum length is one of
   * these.
   */
  public static LogitsProcessor forcedEos(int maxLength, List<Integer> eosTokenIds) {
    Check.atLeast("maxLength", maxLength, 1);
    return (tokens, logits) -> {
      if (tokens.length == maxLength - 1) {
        Arrays.fill(logits, Float.NEGATIVE_INFINITY);
        eosTokenIds.forEach(eos -> logits[eos] = 0);
      }
    };
  }

  /**
   * {@code TemperatureLogitsWarper}: scores divided by it.
   *
   * @param temperature over 0
   */
  public static LogitsProcessor temperature(float temperature) {
    return new CandidateFilter.Temperature(Check.temperature(temperature));
  }

  /**
   * {@code TopKLogitsWarper}: the k most likely tokens, and those as likely as the last of them.
   *
   * @param k at least 1
   * @param minTokensToKeep at least 1
   */
  public static LogitsProcessor topK(int k, int minTokensToKeep) {
    Check.atLeast("topK", k, 1);
    Check.atLeast("minTokensToKeep", minTokensToKeep, 1);
    return new CandidateFilter.TopK(Math.max(k, minTokensToKeep));
  }

  /**
   * {@code TopPLogitsWarper}: the fewest most likely tokens whose probabilities reach p.
   *
   * @param p 0 to 1
   * @param minTokensToKeep at least 1
   */
  public static LogitsProcessor topP(float p, int minTokensToKeep) {
    Check.atLeast("minTokensToKeep", minTokensToKeep, 1);
    return new CandidateFilter.TopP(Check.probability("topP", p), minTokensToKeep);
  }

  /**
   * {@code MinPLogitsWarper}: tokens at least p times as likely as the most likely one.
   *
   * @param p 0 to 1
   * @param minTokensToKeep at least 1
   */
  public static LogitsProcessor minP(float p, int minTokensToKeep) {
    Check.atLeast("minTokensToKeep", minTokensToKeep, 1);
    return new CandidateFilter.MinP(Check.probability("minP", p), minTokensToKeep);
  }

  /**
   * {@code TypicalLogitsWarper}: the tokens whose surprise is nearest to the expected one, until
   * their probabilities reach p (Meister and others, "Locally Typical Sampling", 2022).
   *
   * @param p over 0, to 1
   * @param minTokensToKeep at least 1
   */
  public static LogitsProcessor typicalP(float p, int minTokensToKeep) {
    Check.atLeast("minTokensToKeep", minTokensToKeep, 1);
    return new CandidateFilter.TypicalP(Check.typicalP(p), minTokensToKeep);
  }

  private static void forbid(float[] logits, int token) {
    if (token < logits.length) {
      logits[token] = Float.NEGATIVE_INFINITY;
    }
  }
}
