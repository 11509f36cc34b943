package io.github.ggml4j.generation;

import java.util.Arrays;

/**
 * Prompt lookup decoding: proposes the tokens that followed an earlier occurrence of the last
 * tokens, as transformers' {@code PromptLookupCandidateGenerator}. The model computes them together
 * with the newest token; those that it would not have chosen are discarded.
 */
final class PromptLookup {
  private PromptLookup() {}

  /**
   * Proposes tokens: those after the first occurrence of the longest n-gram that occurs earlier.
   *
   * @param tokens a sequence; only the first {@code length} count
   * @param most number of tokens to propose
   * @param maxNgram most tokens of the n-gram
   * @return up to {@code most} tokens, none without a match
   */
  static int[] propose(int[] tokens, int length, int most, int maxNgram) {
    for (int n = Math.min(maxNgram, length - 1); n > 0; n--) {
      int suffix = length - n;
      for (int start = 0; start < suffix; start++) {
        if (Arrays.equals(tokens, start, start + n, tokens, suffix, length)) {
          int from = start + n;
          return Arrays.copyOfRange(tokens, from, Math.min(length, from + most));
        }
      }
    }
    return new int[0];
  }
}
