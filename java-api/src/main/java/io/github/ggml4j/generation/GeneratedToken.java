package io.github.ggml4j.generation;

import org.jspecify.annotations.Nullable;

/**
 * A token as it is generated.
 *
 * @param prompt which prompt of the batch
 * @param sequence which of the sequences for that prompt
 * @param id the token
 * @param text the text that became certain with it: whole characters only, and with trimmed stop
 *     strings nothing that may yet be cut off; perhaps empty, or that of several tokens. All of a
 *     sequence together are its text without the prompt
 * @param logProb its log-probability in the model, before processors; NaN unless {@code logProbs}
 *     were asked for
 * @param finishReason why the sequence ends with this token, or null when it goes on
 */
public record GeneratedToken(
    int prompt,
    int sequence,
    int id,
    String text,
    float logProb,
    @Nullable FinishReason finishReason) {}
