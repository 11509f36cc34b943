package io.github.ggml4j.trainer.internal.engine;

/**
 * The loss of one batch.
 *
 * @param sum sum of the cross entropies (nats) of all labelled tokens; not finite if the model has
 *     diverged
 * @param labelCount number of labelled tokens, after the shift by one
 */
public record BatchLoss(double sum, int labelCount) {}
