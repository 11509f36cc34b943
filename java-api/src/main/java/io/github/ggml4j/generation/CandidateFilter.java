package io.github.ggml4j.generation;

/**
 * A step of sampling that rescales or removes candidates; transformers calls it a logits warper. It
 * processes only the candidates that earlier filters have left.
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

  /** {@code temperature}: divides the logits. */
  record Temperature(float temperature) implements CandidateFilter {
    @Override
    public void filter(Candidates candidates) {
      candidates.divide(temperature);
    }
  }

  /**
   * {@code top_h}: keeps the most likely tokens while their terms of the entropy add up to at most
   * h times the entropy. Considers the {@value #MAX_CANDIDATES} most likely tokens.
   */
  record TopH(float h) implements CandidateFilter {
    /** Tokens that are considered, as in transformers. */
    static final int MAX_CANDIDATES = 100;

    @Override
    public void filter(Candidates candidates) {
      candidates.keepFrom(candidates.largest(Math.min(MAX_CANDIDATES, candidates.size())));
      candidates.computeWeights();
      candidates.keepSorted(Math.min(MAX_CANDIDATES, candidates.sortByLogit(0)));
      double sum = candidates.computeWeights();
      double most = h * candidates.entropy(sum);
      double entropy = 0;
      int sorted = candidates.sortByLogit(0);
      int kept = 0;
      while (kept < sorted) {
        double p = candidates.weight(candidates.sorted(kept)) / sum;
        entropy -= p * StrictMath.log(p);
        if (kept > 0 && !(entropy <= most)) {
          break;
        }
        kept++;
      }
      candidates.keepSorted(kept);
    }
  }

  /** {@code top_k}: keeps the k most likely tokens, and tokens as likely as the last of them. */
  record TopK(int k) implements CandidateFilter {
    @Override
    public void filter(Candidates candidates) {
      if (k < candidates.size()) {
        candidates.keepFrom(candidates.largest(k));
      }
    }
  }

  /** {@code top_p}: keeps the fewest most likely tokens whose probabilities add up to p. */
  record TopP(float p, int minTokensToKeep) implements CandidateFilter {
    @Override
    public void filter(Candidates candidates) {
      double sum = candidates.computeWeights();
      int sorted = candidates.sortByLogit(sum - p * sum);
      if (sorted < minTokensToKeep) {
        sorted = candidates.sortByLogit(0);
      }
      int kept = candidates.reaching(p * sum, sorted);
      candidates.keepSorted(Math.min(Math.max(kept, minTokensToKeep), sorted));
    }
  }

  /** {@code min_p}: keeps tokens at least p times as likely as the most likely one. */
  record MinP(float p, int minTokensToKeep) implements CandidateFilter {
    @Override
    public void filter(Candidates candidates) {
      candidates.computeWeights();
      keepFromWeight(candidates, p, minTokensToKeep);
    }
  }

  /**
   * {@code typical_p}: keeps the tokens whose information content is nearest to the entropy, until
   * their probabilities add up to p (Meister and others, "Locally Typical Sampling", 2022).
   */
  record TypicalP(float p, int minTokensToKeep) implements CandidateFilter {
    @Override
    public void filter(Candidates candidates) {
      double total = candidates.computeWeights();
      double logSum = candidates.max() + StrictMath.log(total);
      double entropy = candidates.entropy(total);
      candidates.sortBy(i -> Math.abs(logSum - candidates.logit(i) - entropy));
      int kept = candidates.reaching(p * total, candidates.size());
      candidates.keepSorted(Math.min(Math.max(kept, minTokensToKeep), candidates.size()));
    }
  }

  /** {@code epsilon_cutoff}: keeps tokens whose probability is at least epsilon. */
  record EpsilonCutoff(float epsilon, int minTokensToKeep) implements CandidateFilter {
    @Override
    public void filter(Candidates candidates) {
      double sum = candidates.computeWeights();
      keepFromWeight(candidates, epsilon * sum, minTokensToKeep);
    }
  }

  /**
   * {@code eta_cutoff}: tokens whose probability is at least {@code min(eta, sqrt(eta) e^-entropy)}
   * (Hewitt and others, "Truncation Sampling as Language Model Desmoothing", 2022).
   */
  record EtaCutoff(float eta, int minTokensToKeep) implements CandidateFilter {
    @Override
    public void filter(Candidates candidates) {
      double sum = candidates.computeWeights();
      double byEntropy = Math.sqrt(eta) * StrictMath.exp(-candidates.entropy(sum));
      keepFromWeight(candidates, Math.min(eta, byEntropy) * sum, minTokensToKeep);
    }
  }

  /** {@code renormalize_logits}: makes the logits log-probabilities. */
  record Renormalize() implements CandidateFilter {
    @Override
    public void filter(Candidates candidates) {
      candidates.normalize();
    }
  }

  /** Keeps candidates with at least this weight, and at least this number of candidates. */
  private static void keepFromWeight(Candidates candidates, double weight, int atLeast) {
    float threshold = candidates.largest(Math.min(atLeast, candidates.size()));
    for (int i = 0; i < candidates.size(); i++) {
      if (candidates.weight(i) >= weight) {
        threshold = Math.min(threshold, candidates.logit(i));
      }
    }
    candidates.keepFrom(threshold);
  }
}
