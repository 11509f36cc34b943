/**
 * How good a model is: perplexity of texts as Hugging Face's guide and as llama.cpp's tool compute
 * it, and what a quantized model loses against the one it was made from.
 *
 * <p>{@link io.github.ggml4j.evaluation.Perplexity} and {@link
 * io.github.ggml4j.evaluation.KlDivergence} are the entries. Both read a text window by window and
 * keep the logits of a few hundred tokens at most.
 */
@NullMarked
package io.github.ggml4j.evaluation;

import org.jspecify.annotations.NullMarked;
