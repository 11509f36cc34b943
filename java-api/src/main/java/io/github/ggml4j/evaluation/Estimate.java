package io.github.ggml4j.evaluation;

/**
 * A mean over tokens with its standard error.
 *
 * @param value the mean
 * @param standardError standard error of the mean, assuming independent tokens
 */
public record Estimate(double value, double standardError) {}
