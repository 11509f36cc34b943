package io.github.ggml4j.trainer.optim;

import io.github.ggml4j.trainer.engine.AdamWRule;
import io.github.ggml4j.trainer.engine.UpdateRule;

/**
 * Adam with decoupled weight decay and bias correction, as {@code torch.optim.AdamW}.
 *
 * <pre>
 *   p -= lr * weightDecay * p
 *   m  = beta1 * m + (1 - beta1) * g
 *   v  = beta2 * v + (1 - beta2) * g * g
 *   p -= lr * (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + eps)
 * </pre>
 *
 * <p>The defaults are those of the usual GPT-2 fine-tuning recipe (Hugging Face's former {@code
 * transformers.AdamW}): betas 0.9 and 0.999, eps 1e-6, no weight decay; PyTorch's own are eps 1e-8
 * and weight decay 0.01. Weight decay applies to weight matrices and embeddings, not to biases and
 * layer norms, as in Hugging Face's {@code Trainer}.
 *
 * <p>Source: Loshchilov and Hutter, <a href="https://arxiv.org/abs/1711.05101">Decoupled Weight
 * Decay Regularization</a>.
 *
 * @param learningRate base learning rate, at least 0
 * @param beta1 decay rate of the first moment, in [0, 1)
 * @param beta2 decay rate of the second moment, in [0, 1)
 * @param eps added to the denominator, greater than 0
 * @param weightDecay decoupled decay per unit of learning rate, at least 0
 */
public record AdamW(double learningRate, double beta1, double beta2, double eps, double weightDecay)
    implements Optimizer {

  /** Checks every value. */
  public AdamW {
    Checks.notNegative("AdamW learningRate", learningRate);
    Checks.decayRate("AdamW beta1", beta1);
    Checks.decayRate("AdamW beta2", beta2);
    Checks.positive("AdamW eps", eps);
    Checks.notNegative("AdamW weightDecay", weightDecay);
  }

  @Override
  public UpdateRule rule() {
    return new AdamWRule((float) beta1, (float) beta2, (float) eps, (float) weightDecay, true);
  }

  /**
   * AdamW with the defaults above and this learning rate.
   *
   * @param learningRate base learning rate, for instance 3e-5
   * @return the optimizer
   */
  public static AdamW learningRate(double learningRate) {
    return new AdamW(learningRate, 0.9, 0.999, 1e-6, 0);
  }

  /**
   * The same with other decay rates of the moments.
   *
   * @param beta1 of the first moment, in [0, 1)
   * @param beta2 of the second moment, in [0, 1)
   * @return a changed copy
   */
  public AdamW betas(double beta1, double beta2) {
    return new AdamW(learningRate, beta1, beta2, eps, weightDecay);
  }

  /**
   * The same with another eps.
   *
   * @param eps added to the denominator, greater than 0
   * @return a changed copy
   */
  public AdamW eps(double eps) {
    return new AdamW(learningRate, beta1, beta2, eps, weightDecay);
  }

  /**
   * The same with another weight decay.
   *
   * @param weightDecay decoupled decay per unit of learning rate, at least 0
   * @return a changed copy
   */
  public AdamW weightDecay(double weightDecay) {
    return new AdamW(learningRate, beta1, beta2, eps, weightDecay);
  }
}
