package io.github.ggml4j.generation;

import org.jspecify.annotations.Nullable;

/**
 * A token, reported when it is generated.
 *
 * @param prompt index of the prompt in the batch
 * @param sequence index of the sequence among those of the prompt
 * @param id token id
 * @param text the text that this token completes. It contains whole characters only, and excludes
 *     text that a trimmed stop string may still remove, so it may be empty or include text of
 *     earlier tokens. The texts of all tokens of a sequence, joined, are its text without the
 *     prompt
 * @param logProb log-probability in the model, before processors; NaN if {@code logProbs} is off
 * @param finishReason why the sequence ends with this token; null if the sequence continues
 */
public record GeneratedToken(
    int prompt,
    int sequence,
    int id,
    String text,
    float logProb,
    @Nullable FinishReason finishReason) {}
