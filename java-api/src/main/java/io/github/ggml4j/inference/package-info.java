/**
 * Computing with a loaded model: {@link io.github.ggml4j.inference.InferenceSession} feeds tokens
 * to sequences and returns logits, {@link io.github.ggml4j.inference.ScoringSession} returns the
 * loss of given texts.
 */
@NullMarked
package io.github.ggml4j.inference;

import org.jspecify.annotations.NullMarked;
