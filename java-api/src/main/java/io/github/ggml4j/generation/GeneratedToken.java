package io.github.ggml4j.generation;

import org.jspecify.annotations.Nullable;

/**
 * A token, reported when it is generated.
 *
 * @param prompt index of the prompt in the batch
 * @param sequence index of the sequence among those of the prompt
 * @param id token id
 * @param text the text that this token completes: whole characters only, without what a trimmed
 *     stop string may still remove. It may be empty or belong to several tokens. The texts of all
 *     tokens of a sequence make up its text without the prompt
 * @param logProb log-probability in the model, before processors; NaN if {@code logProbs} is off
 * @param finishReason why the sequence ends with this token; null if it goes on
 */
public record GeneratedToken(
    int prompt,
    int sequence,
    int id,
    String text,
    float logProb,
    @Nullable FinishReason finishReason) {}
