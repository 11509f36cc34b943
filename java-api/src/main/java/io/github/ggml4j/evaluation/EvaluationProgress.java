package io.github.ggml4j.evaluation;

/**
 * The progress of an evaluation.
 *
 * @param windows number of windows evaluated so far
 * @param totalWindows number of windows of the text
 * @param tokens number of tokens scored so far
 * @param perplexity perplexity of the tokens scored so far
 */
public record EvaluationProgress(int windows, int totalWindows, long tokens, double perplexity) {}
