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
      double enough = p * candidates.exponentiate();
      candidates.heapify(Candidates.Order.MOST_LIKELY);
      double before = 0;
      int kept = 0;
      while (kept < candidates.size() && (before < enough || kept < minTokensToKeep)) {
        int index = candidates.pop(candidates.size() - kept, Candidates.Order.MOST_LIKELY);
        before += candidates.weight(index);
        kept++;
      }
      candidates.keepPopped(kept);
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
      double logSum = candidates.logSumExp();
      double entropy = 0;
      for (int i = 0; i < candidates.size(); i++) {
        double logProb = candidates.score(i) - logSum;
        double prob = Exp.exp(logProb);
        if (prob > 0) {
          entropy -= logProb * prob;
        }
      }
      for (int i = 0; i < candidates.size(); i++) {
        candidates.setWeight(i, Math.abs(logSum - candidates.score(i) - entropy));
      }
      candidates.heapify(Candidates.Order.SMALLEST_WEIGHT);
      double mass = 0;
      int kept = 0;
      while (kept < candidates.size() && (mass < p || kept < minTokensToKeep)) {
        int index = candidates.pop(candidates.size() - kept, Candidates.Order.SMALLEST_WEIGHT);
        mass += Exp.exp(candidates.score(index) - logSum);
        kept++;
      }
      candidates.keepPopped(kept);
    }
  }
}
