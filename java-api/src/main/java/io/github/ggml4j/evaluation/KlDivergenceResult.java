package io.github.ggml4j.evaluation;

/**
 * The difference between a model and its base model, with the figures of {@code llama-perplexity
 * --kl-divergence}.
 *
 * @param tokens number of tokens compared
 * @param windows number of windows of the text
 * @param perplexity perplexity of the model
 * @param basePerplexity perplexity of the base model
 * @param logPerplexityRatio {@code ln(perplexity / basePerplexity)}
 * @param divergence mean of {@code KL(base || model)} in nats
 * @param divergences {@code KL(base || model)} of each token
 * @param probabilityChanges probability of each token of the text under the model minus that under
 *     the base, -1 to 1
 * @param rmsProbabilityChange root mean square of {@code probabilityChanges}
 * @param sameTop share of positions at which both models have the same most likely token
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
