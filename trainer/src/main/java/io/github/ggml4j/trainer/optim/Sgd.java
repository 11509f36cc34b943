package io.github.ggml4j.trainer.optim;

import io.github.ggml4j.trainer.engine.SgdRule;
import io.github.ggml4j.trainer.engine.UpdateRule;

/**
 * Stochastic gradient descent with optional momentum, as {@code torch.optim.SGD}.
 *
 * <pre>
 *   g  = g + weightDecay * p
 *   b  = g in the first step, momentum * b + (1 - dampening) * g afterwards
 *   g  = g + momentum * b if nesterov, else b        (only with momentum)
 *   p -= lr * g
 * </pre>
 *
 * @param learningRate base learning rate, at least 0
 * @param momentum decay rate of the velocity, in [0, 1); 0 is plain gradient descent
 * @param dampening damping of the gradient in the velocity, in [0, 1]
 * @param weightDecay L2 penalty added to the gradient, at least 0
 * @param nesterov whether to look ahead; needs momentum and no dampening
 */
public record Sgd(
    double learningRate, double momentum, double dampening, double weightDecay, boolean nesterov)
    implements Optimizer {

  /** Checks every value. */
  public Sgd {
    Checks.notNegative("Sgd learningRate", learningRate);
    Checks.decayRate("Sgd momentum", momentum);
    if (!(dampening >= 0 && dampening <= 1)) {
      throw new IllegalArgumentException("Sgd dampening must be in [0, 1], not " + dampening);
    }
    Checks.notNegative("Sgd weightDecay", weightDecay);
    if (nesterov && (momentum == 0 || dampening != 0)) {
      throw new IllegalArgumentException(
          "Sgd nesterov needs momentum > 0 and dampening 0, not momentum "
              + momentum
              + " and dampening "
              + dampening);
    }
  }

  @Override
  public UpdateRule rule() {
    return new SgdRule((float) momentum, (float) dampening, (float) weightDecay, nesterov);
  }

  /**
   * Plain gradient descent.
   *
   * @param learningRate base learning rate
   * @return the optimizer
   */
  public static Sgd learningRate(double learningRate) {
    return new Sgd(learningRate, 0, 0, 0, false);
  }

  /**
   * The same with momentum.
   *
   * @param momentum decay rate of the velocity, in [0, 1)
   * @return a changed copy
   */
  public Sgd momentum(double momentum) {
    return new Sgd(learningRate, momentum, dampening, weightDecay, nesterov);
  }

  /**
   * The same with dampening.
   *
   * @param dampening damping of the gradient in the velocity, in [0, 1]
   * @return a changed copy
   */
  public Sgd dampening(double dampening) {
    return new Sgd(learningRate, momentum, dampening, weightDecay, nesterov);
  }

  /**
   * The same with weight decay.
   *
   * @param weightDecay L2 penalty added to the gradient, at least 0
   * @return a changed copy
   */
  public Sgd weightDecay(double weightDecay) {
    return new Sgd(learningRate, momentum, dampening, weightDecay, nesterov);
  }

  /**
   * The same with or without Nesterov's look-ahead; set the momentum first.
   *
   * @param nesterov whether to look ahead
   * @return a changed copy
   */
  public Sgd nesterov(boolean nesterov) {
    return new Sgd(learningRate, momentum, dampening, weightDecay, nesterov);
  }
}
