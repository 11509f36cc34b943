package io.github.ggml4j.evaluation;

import java.time.Duration;

/**
 * The perplexity of a text under a model: {@code exp} of the mean negative log-likelihood of its
 * tokens.
 *
 * @param perplexity {@code exp(nll)}
 * @param nll mean negative log-likelihood of a token, in nats
 * @param standardError of {@code perplexity}, taking tokens as independent: what llama-perplexity
 *     prints behind {@code +/-}; 0 for a single token
 * @param tokens how many counted; when strided, as Hugging Face's guide counts: in each window one
 *     less than is new in it
 * @param windows how many the text was read in
 * @param method how windows were laid out
 * @param context tokens of a window
 * @param stride tokens from one window to the next
 * @param duration of the computation
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
