package io.github.ggml4j.trainer.engine;

/**
 * Outcome of one pass over a micro-batch.
 *
 * @param lossSum sum of the cross entropies (nats) over all labelled tokens
 * @param labelCount number of labelled tokens, after the shift by one
 */
public record MicroStep(double lossSum, int labelCount) {}
