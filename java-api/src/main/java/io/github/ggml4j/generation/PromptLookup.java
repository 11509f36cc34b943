package io.github.ggml4j.generation;

import java.util.Arrays;

/**
 * Prompt lookup decoding: proposes the tokens that followed an earlier occurrence of the last
 * tokens, as transformers' {@code PromptLookupCandidateGenerator}. The model computes them together
 * with the newest token; proposals that differ from the tokens it chooses are discarded.
 */
final class PromptLookup {
  private PromptLookup() {}

  /**
   * Finds the longest n-gram at the end of a sequence that also occurs earlier, and proposes the
   * tokens after its first occurrence.
   *
   * @param tokens a sequence; only the first {@code length} tokens are used
   * @param most maximum number of tokens to propose
   * @param maxNgram maximum number of tokens of the n-gram
   * @return up to {@code most} tokens; empty without a match
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
