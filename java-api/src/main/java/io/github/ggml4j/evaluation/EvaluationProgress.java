package io.github.ggml4j.evaluation;

/**
 * How far an evaluation is.
 *
 * @param windows those done
 * @param totalWindows all of them
 * @param tokens scored so far
 * @param perplexity of what is done
 */
public record EvaluationProgress(int windows, int totalWindows, long tokens, double perplexity) {}
