package io.github.ggml4j.generation;

import io.github.ggml4j.error.InvalidArgumentException;
import io.github.ggml4j.internal.Check;
import io.github.ggml4j.tensor.internal.Exp;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;

/**
 * Hugging Face's logits processors, one by one. {@link GenerationConfig} combines them in
 * transformers' order.
 *
 * <p>All are stateless and thread-safe. Each method throws {@link InvalidArgumentException} if an
 * argument is out of range.
 */
public final class LogitsProcessors {
  private LogitsProcessors() {}

  /**
   * {@code SequenceBiasLogitsProcessor}: adds a bias to the logit of each token that would complete
   * one of these sequences.
   *
   * @param biases bias of each sequence of token ids
   */
  public static LogitsProcessor sequenceBias(Map<List<Integer>, Float> biases) {
    var sequences = new ArrayList<int[]>();
    float[] values = new float[biases.size()];
    biases.forEach((ids, bias) -> {
      values[sequences.size()] = Check.finite("sequenceBias", bias);
      sequences.add(array("sequenceBias", ids));
    });
    return (tokens, logits) -> {
      for (int i = 0; i < values.length; i++) {
        int[] sequence = sequences.get(i);
        if (endsWithPrefix(tokens, sequence)) {
          logits[last(sequence)] += values[i];
        }
      }
    };
  }

  /**
   * {@code RepetitionPenaltyLogitsProcessor}: the logit of each token of the sequence, prompt
   * included, is divided by the penalty if positive and multiplied by it if negative.
   *
   * @param penalty above 0; above 1 discourages repetition
   */
  public static LogitsProcessor repetitionPenalty(float penalty) {
    Check.positive("repetitionPenalty", penalty);
    return (tokens, logits) -> penalize(tokens, logits, penalty);
  }

  /**
   * {@code EncoderRepetitionPenaltyLogitsProcessor}: the logit of each token of the prompt is
   * multiplied by the penalty if positive and divided by it if negative.
   *
   * @param penalty above 0; above 1 favours tokens of the prompt
   */
  public static LogitsProcessor encoderRepetitionPenalty(float penalty, int[] prompt) {
    Check.positive("encoderRepetitionPenalty", penalty);
    int[] favoured = prompt.clone();
    return (_, logits) -> penalize(favoured, logits, 1 / penalty);
  }

  private static void penalize(int[] tokens, float[] logits, float penalty) {
    var seen = new BitSet(logits.length);
    for (int token : tokens) {
      if (token < logits.length && !seen.get(token)) {
        seen.set(token);
        float logit = logits[token];
        logits[token] = logit < 0 ? logit * penalty : logit / penalty;
      }
    }
  }

  /**
   * {@code NoRepeatNGramLogitsProcessor}: no n-gram occurs twice.
   *
   * @param size tokens of an n-gram, at least 1
   */
  public static LogitsProcessor noRepeatNgram(int size) {
    Check.atLeast("noRepeatNgramSize", size, 1);
    return (tokens, logits) -> forbidNgrams(tokens, size, tokens, logits);
  }

  /**
   * {@code EncoderNoRepeatNGramLogitsProcessor}: no n-gram of the prompt is generated.
   *
   * @param size tokens of an n-gram, at least 1
   */
  public static LogitsProcessor encoderNoRepeatNgram(int size, int[] prompt) {
    Check.atLeast("encoderNoRepeatNgramSize", size, 1);
    int[] source = prompt.clone();
    return (tokens, logits) -> forbidNgrams(source, size, tokens, logits);
  }

  /** Forbids the tokens that would complete an n-gram of {@code source}. */
  private static void forbidNgrams(int[] source, int size, int[] tokens, float[] logits) {
    int suffix = tokens.length - (size - 1);
    for (int start = 0; suffix >= 0 && start + size <= source.length; start++) {
      if (Arrays.equals(source, start, start + size - 1, tokens, suffix, tokens.length)) {
        forbid(logits, source[start + size - 1]);
      }
    }
  }

  /**
   * {@code NoBadWordsLogitsProcessor}: none of these sequences of tokens is completed. A sequence
   * that is a single end-of-sequence token has no effect; use the minimum length instead.
   */
  public static LogitsProcessor badWords(
      List<List<Integer>> badWordsIds, List<Integer> eosTokenIds) {
    var words = new ArrayList<int[]>();
    for (var word : new LinkedHashSet<>(badWordsIds)) {
      int[] ids = array("badWordsIds", word);
      if (ids.length > 1 || !eosTokenIds.contains(ids[0])) {
        words.add(ids);
      }
    }
    return (tokens, logits) -> {
      for (int[] word : words) {
        if (endsWithPrefix(tokens, word)) {
          forbid(logits, last(word));
        }
      }
    };
  }

  private static int[] array(String name, List<Integer> ids) {
    if (ids.isEmpty()) {
      throw new InvalidArgumentException(name, ids, "at least one token id in each sequence");
    }
    return ids.stream().mapToInt(Integer::intValue).toArray();
  }

  /** Whether the tokens end with all of a sequence but its last token. */
  private static boolean endsWithPrefix(int[] tokens, int[] sequence) {
    int prefix = sequence.length - 1;
    return prefix <= tokens.length
        && Arrays.equals(sequence, 0, prefix, tokens, tokens.length - prefix, tokens.length);
  }

  private static int last(int[] sequence) {
    return sequence[sequence.length - 1];
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
    Check.atLeast("promptLength", promptLength, 0);
    Check.atLeast("minNewTokens", minNewTokens, 0);
    return minLength(promptLength + minNewTokens, eosTokenIds);
  }

  /**
   * {@code ForcedBOSTokenLogitsProcessor}: the token after a prompt of one token is this one.
   *
   * @param bosTokenId at least 0
   */
  public static LogitsProcessor forcedBos(int bosTokenId) {
    Check.atLeast("forcedBosTokenId", bosTokenId, 0);
    return (tokens, logits) -> {
      if (tokens.length == 1) {
        force(logits, List.of(bosTokenId));
      }
    };
  }

  /**
   * {@code ForcedEOSTokenLogitsProcessor}: the token that reaches the maximum length is one of
   * these.
   */
  public static LogitsProcessor forcedEos(int maxLength, List<Integer> eosTokenIds) {
    Check.atLeast("maxLength", maxLength, 1);
    return (tokens, logits) -> {
      if (tokens.length == maxLength - 1) {
        force(logits, eosTokenIds);
      }
    };
  }

  private static void force(float[] logits, List<Integer> ids) {
    Arrays.fill(logits, Float.NEGATIVE_INFINITY);
    ids.forEach(id -> logits[id] = 0);
  }

  /**
   * {@code InfNanRemoveLogitsProcessor}: NaN becomes 0, infinite logits become the largest finite
   * ones.
   */
  public static LogitsProcessor removeInvalidValues() {
    return (_, logits) -> {
      for (int i = 0; i < logits.length; i++) {
        float logit = logits[i];
        logits[i] = Float.isNaN(logit) ? 0 : Math.clamp(logit, -Float.MAX_VALUE, Float.MAX_VALUE);
      }
    };
  }

  /**
   * {@code ExponentialDecayLengthPenalty}: raises the logits of end-of-sequence tokens with the
   * length.
   */
  public static LogitsProcessor exponentialDecay(
      ExponentialDecayLengthPenalty penalty, int promptLength, List<Integer> eosTokenIds) {
    int start = promptLength + penalty.startIndex();
    return (tokens, logits) -> {
      if (tokens.length > start) {
        double growth = StrictMath.pow(penalty.decayFactor(), tokens.length - start) - 1;
        for (int eos : new LinkedHashSet<>(eosTokenIds)) {
          if (Float.isFinite(logits[eos])) {
            logits[eos] += (float) (Math.abs(logits[eos]) * growth);
          }
        }
      }
    };
  }

  /** {@code SuppressTokensLogitsProcessor}: these tokens are never generated. */
  public static LogitsProcessor suppress(List<Integer> ids) {
    return (_, logits) -> ids.forEach(id -> forbid(logits, id));
  }

  /**
   * {@code SuppressTokensAtBeginLogitsProcessor}: these tokens are not generated at one position.
   *
   * @param beginIndex position, that is the number of tokens before it
   */
  public static LogitsProcessor suppressAtBegin(List<Integer> ids, int beginIndex) {
    Check.atLeast("beginIndex", beginIndex, 0);
    return (tokens, logits) -> {
      if (tokens.length == beginIndex) {
        ids.forEach(id -> forbid(logits, id));
      }
    };
  }

  /** {@code LogitNormalization}: the log-softmax of the logits. */
  public static LogitsProcessor renormalize() {
    return (_, logits) -> {
      double logSum = Exp.logSumExp(logits, logits.length);
      for (int i = 0; i < logits.length; i++) {
        logits[i] = (float) (logits[i] - logSum);
      }
    };
  }

  /**
   * {@code TemperatureLogitsWarper}: divides the logits.
   *
   * @param temperature above 0
   */
  public static LogitsProcessor temperature(float temperature) {
    GenerationConfig.checkTemperature(temperature);
    return new CandidateFilter.Temperature(temperature);
  }

  /**
   * {@code TopHLogitsWarper}: the most likely tokens until they hold a share of the entropy of the
   * {@value CandidateFilter.TopH#MAX_CANDIDATES} most likely ones.
   *
   * @param h share, above 0, up to 1
   */
  public static LogitsProcessor topH(float h) {
    return new CandidateFilter.TopH(Check.positiveProbability("topH", h));
  }

  /**
   * {@code TopKLogitsWarper}: the k most likely tokens, and those as likely as the last of them.
   *
   * @param k at least 1
   * @param minTokensToKeep at least 1
   */
  public static LogitsProcessor topK(int k, int minTokensToKeep) {
    Check.atLeast("topK", k, 1);
    return new CandidateFilter.TopK(Math.max(k, keep(minTokensToKeep)));
  }

  /**
   * {@code TopPLogitsWarper}: the fewest most likely tokens whose probabilities add up to p.
   *
   * @param p 0 to 1
   * @param minTokensToKeep at least 1
   */
  public static LogitsProcessor topP(float p, int minTokensToKeep) {
    return new CandidateFilter.TopP(Check.probability("topP", p), keep(minTokensToKeep));
  }

  /**
   * {@code MinPLogitsWarper}: tokens at least p times as likely as the most likely one.
   *
   * @param p 0 to 1
   * @param minTokensToKeep at least 1
   */
  public static LogitsProcessor minP(float p, int minTokensToKeep) {
    return new CandidateFilter.MinP(Check.probability("minP", p), keep(minTokensToKeep));
  }

  /**
   * {@code TypicalLogitsWarper}: the tokens whose information content is nearest to the entropy,
   * until their probabilities add up to p (Meister and others, "Locally Typical Sampling", 2022).
   *
   * @param p above 0, up to 1
   * @param minTokensToKeep at least 1
   */
  public static LogitsProcessor typicalP(float p, int minTokensToKeep) {
    Check.positiveProbability("typicalP", p);
    return new CandidateFilter.TypicalP(p, keep(minTokensToKeep));
  }

  /**
   * {@code EpsilonLogitsWarper}: tokens whose probability is at least epsilon (Hewitt and others,
   * "Truncation Sampling as Language Model Desmoothing", 2022).
   *
   * @param epsilon at least 0 and below 1
   * @param minTokensToKeep at least 1
   */
  public static LogitsProcessor epsilonCutoff(float epsilon, int minTokensToKeep) {
    Check.fraction("epsilonCutoff", epsilon);
    return new CandidateFilter.EpsilonCutoff(epsilon, keep(minTokensToKeep));
  }

  /**
   * {@code EtaLogitsWarper}: tokens whose probability is at least {@code min(eta, sqrt(eta)
   * e^-entropy)} (Hewitt and others, 2022).
   *
   * @param eta at least 0 and below 1
   * @param minTokensToKeep at least 1
   */
  public static LogitsProcessor etaCutoff(float eta, int minTokensToKeep) {
    Check.fraction("etaCutoff", eta);
    return new CandidateFilter.EtaCutoff(eta, keep(minTokensToKeep));
  }

  private static int keep(int minTokensToKeep) {
    return Check.atLeast("minTokensToKeep", minTokensToKeep, 1);
  }

  private static void forbid(float[] logits, int token) {
    if (token < logits.length) {
      logits[token] = Float.NEGATIVE_INFINITY;
    }
  }
}
