package io.github.ggml4j.evaluation;

import java.time.Duration;

/**
 * The perplexity of a text under a model: {@code exp} of the mean negative log-likelihood of its
 * tokens.
 *
 * @param perplexity {@code exp(nll)}
 * @param nll mean negative log-likelihood of a token, in nats
 * @param standardError standard error of {@code perplexity}, assuming independent tokens: the
 *     number that llama-perplexity prints after {@code +/-}; 0 for a single token
 * @param tokens sum of the windows' weights; when strided, the weight of a window is one less than
 *     its number of new tokens, as in Hugging Face's guide
 * @param windows number of windows of the text
 * @param method how the text was divided into windows
 * @param context length of a window in tokens
 * @param stride distance from one window to the next in tokens
 * @param duration time of the computation
 */
public record PerplexityResult(
    double perplexity,
    double nll,
    double standardError,
    long tokens,
    int windows,
    Perplexity.Method method,
    int context,
    int stride,
    Duration duration) {}
