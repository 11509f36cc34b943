package io.github.ggml4j.trainer.optim;

import io.github.ggml4j.error.InvalidArgumentException;
import java.util.List;
import java.util.Locale;

/** The optimizers by name, as the command line offers them. */
public final class Optimizers {

  /** Creates an optimizer. */
  private interface Maker {
    Optimizer make(double learningRate, double weightDecay);
  }

  /**
   * A kind of optimizer.
   *
   * @param full an optimizer that uses every op of this kind
   */
  private record Kind(String name, Maker maker, Optimizer full) {}

  private static final List<Kind> KINDS =
      List.of(
          new Kind(
              "adamw",
              (rate, decay) -> AdamW.learningRate(rate).weightDecay(decay),
              AdamW.learningRate(1e-3).weightDecay(0.01)),
          new Kind(
              "sgd",
              (rate, decay) -> Sgd.learningRate(rate).weightDecay(decay),
              Sgd.learningRate(1e-3).momentum(0.9).dampening(0.1).weightDecay(0.01)),
          new Kind(
              "adafactor",
              (rate, decay) -> Adafactor.learningRate(rate).weightDecay(decay),
              Adafactor.learningRate(1e-3).weightDecay(0.01)),
          new Kind(
              "lion",
              (rate, decay) -> Lion.learningRate(rate).weightDecay(decay),
              Lion.learningRate(1e-3).weightDecay(0.01)),
          new Kind("muon", Optimizers::muon, muon(1e-3, 0.01)));

  private Optimizers() {}

  /** Muon with rates like AdamW's, and AdamW on the parameters that Muon does not update. */
  private static Optimizer muon(double learningRate, double weightDecay) {
    return Muon.learningRate(learningRate)
        .weightDecay(weightDecay)
        .adjustment(Muon.Adjustment.MATCH_RMS_ADAMW)
        .others(AdamW.learningRate(learningRate).weightDecay(weightDecay));
  }

  /** The names; the first is the default of the trainer. */
  public static List<String> names() {
    return KINDS.stream().map(Kind::name).toList();
  }

  /**
   * Creates an optimizer; options that are not given have their defaults.
   *
   * @param name one of {@link #names}, in upper or lower case
   * @param learningRate base learning rate, at least 0
   * @param weightDecay at least 0
   * @throws InvalidArgumentException if there is no optimizer of this name, or a value is out of
   *     range
   */
  public static Optimizer named(String name, double learningRate, double weightDecay) {
    return KINDS.stream()
        .filter(kind -> kind.name.equals(name.toLowerCase(Locale.ROOT)))
        .findFirst()
        .orElseThrow(() ->
            new InvalidArgumentException("optimizer", name, "one of " + String.join(", ", names())))
        .maker
        .make(learningRate, weightDecay);
  }

  /** An optimizer of each kind that uses every op of this kind, to list or test the ops. */
  public static List<Optimizer> withAllOps() {
    return KINDS.stream().map(Kind::full).toList();
  }
}
