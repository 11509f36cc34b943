package io.github.ggml4j.evaluation;

/** Accumulates the comparisons of single tokens. */
final class KlStatistics {
  private final Moments losses = new Moments();
  private final Moments baseLosses = new Moments();
  private final Moments ratios = new Moments();
  private final Moments divergence = new Moments();
  private final Moments squaredChanges = new Moments();
  private final float[] divergences;
  private final float[] changes;
  private int sameTop;
  private int count;

  KlStatistics(int tokens) {
    this.divergences = new float[tokens];
    this.changes = new float[tokens];
  }

  void add(RowComparison row) {
    losses.add(row.loss());
    baseLosses.add(row.baseLoss());
    ratios.add(row.loss() - row.baseLoss());
    divergence.add(row.divergence());
    double change = Math.exp(-row.loss()) - Math.exp(-row.baseLoss());
    squaredChanges.add(change * change);
    divergences[count] = (float) row.divergence();
    changes[count] = (float) change;
    sameTop += row.sameTop() ? 1 : 0;
    count++;
  }

  double perplexity() {
    return Math.exp(losses.mean());
  }

  KlDivergenceResult result(int windows) {
    double rms = Math.sqrt(squaredChanges.mean());
    double rmsError = rms == 0 ? 0 : 0.5 / rms * squaredChanges.standardError();
    double share = (double) sameTop / count;
    double shareError = count < 2 ? 0 : Math.sqrt(share * (1 - share) / (count - 1));
    return new KlDivergenceResult(
        count,
        windows,
        perplexity(losses),
        perplexity(baseLosses),
        estimate(ratios),
        estimate(divergence),
        new Distribution(divergences),
        new Distribution(changes),
        new Estimate(rms, rmsError),
        new Estimate(share, shareError));
  }

  private static Estimate estimate(Moments moments) {
    return new Estimate(moments.mean(), moments.standardError());
  }

  private static Estimate perplexity(Moments losses) {
    double value = Math.exp(losses.mean());
    return new Estimate(value, value * losses.standardError());
  }
}
