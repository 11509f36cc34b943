package io.github.ggml4j.generation;

/**
 * One of Hugging Face's "logits warpers": rescales or removes candidates when sampling. It needs no
 * more than the candidates that are left.
 */
interface CandidateFilter extends LogitsProcessor {
  void filter(Candidates candidates);

  @Override
  default void process(int[] tokens, float[] logits) {
    var candidates = new Candidates();
    candidates.reset(logits);
    filter(candidates);
    candidates.writeTo(logits);
  }

  /** {@code temperature}: scores divided by it. */
  record Temperature(float temperature) implements CandidateFilter {
    @Override
    public void filter(Candidates candidates) {
      candidates.divide(temperature);
    }
  }

  /** {@code top_k}: the k most likely tokens, and those as likely as the last of them. */
  record TopK(int k) implements CandidateFilter {
    @Override
    public void filter(Candidates candidates) {
      if (k < candidates.size()) {
        candidates.keepFrom(candidates.largest(k));
      }
    }
  }

  /** {@code top_p}: the fewest most likely tokens whose probabilities reach p. */
  record TopP(float p, int minTokensToKeep) implements CandidateFilter {
    @Override
    public void filter(Candidates candidates) {
      candidates.keepUntil(p * candidates.exponentiate(), minTokensToKeep);
    }
  }

  /** {@code min_p}: tokens at least p times as likely as the most likely one. */
  record MinP(float p, int minTokensToKeep) implements CandidateFilter {
    @Override
    public void filter(Candidates candidates) {
      candidates.exponentiate();
      float threshold = candidates.largest(Math.min(minTokensToKeep, candidates.size()));
      for (int i = 0; i < candidates.size(); i++) {
        if (candidates.weight(i) >= p) {
          threshold = Math.min(threshold, candidates.score(i));
        }
      }
      candidates.keepFrom(threshold);
    }
  }

  /**
   * {@code typical_p}: the tokens whose surprise is nearest to the expected one, until their
   * probabilities reach p (Meister and others, "Locally Typical Sampling", 2022).
   */
  record TypicalP(float p, int minTokensToKeep) implements CandidateFilter {
    @Override
    public void filter(Candidates candidates) {
      double sum = candidates.exponentiate();
      double logSum = candidates.max() + StrictMath.log(sum);
      double entropy = 0;
      for (int i = 0; i < candidates.size(); i++) {
        double weight = candidates.weight(i);
        if (weight > 0) {
          entropy += weight * (logSum - candidates.score(i));
        }
      }
      double expected = entropy / sum;
      double ranked = candidates.rankBy(i -> Math.abs(logSum - candidates.score(i) - expected));
      candidates.keepUntil(p * ranked, minTokensToKeep);
    }
  }
}
