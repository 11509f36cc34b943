package io.github.ggml4j.evaluation;

/**
 * A mean of many tokens and how sure it is.
 *
 * @param value the mean
 * @param standardError its standard error, taking tokens as independent
 */
public record Estimate(double value, double standardError) {}
