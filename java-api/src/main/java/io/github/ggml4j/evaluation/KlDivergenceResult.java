package io.github.ggml4j.evaluation;

/**
 * What a model loses against the one it was made from, with the figures of {@code llama-perplexity
 * --kl-divergence}.
 *
 * @param tokens how many were compared
 * @param windows how many the text was read in
 * @param perplexity of the model
 * @param basePerplexity of the base
 * @param logPerplexityRatio {@code ln(perplexity / basePerplexity)}
 * @param divergence mean of {@code KL(base || model)} in nats
 * @param divergences {@code KL(base || model)} of each token
 * @param probabilityChanges by how much the probability of the token that came has changed, of each
 *     token, between -1 and 1
 * @param rmsProbabilityChange root of the mean of their squares
 * @param sameTop share of tokens for which both find the same token most likely
 */
public record KlDivergenceResult(
    int tokens,
    int windows,
    Estimate perplexity,
    Estimate basePerplexity,
    Estimate logPerplexityRatio,
    Estimate divergence,
    Distribution divergences,
    Distribution probabilityChanges,
    Estimate rmsProbabilityChange,
    Estimate sameTop) {}
