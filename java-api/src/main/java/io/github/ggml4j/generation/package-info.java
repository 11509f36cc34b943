/**
 * Text from a language model: greedy search, sampling and beam search with the parameters, their
 * meaning and their order as in Hugging Face's {@code generate}.
 *
 * <p>{@link io.github.ggml4j.generation.GenerationConfig} says how, {@link
 * io.github.ggml4j.generation.Generator} does it on token ids; {@code TextGenerator} one package up
 * is the same for text. A {@link io.github.ggml4j.generation.LogitsProcessor} of your own takes
 * part where Hugging Face's own processors end and the sampling filters begin.
 *
 * <p>Random numbers come from xoshiro256++ and probabilities from arithmetic that Java defines to
 * the last bit: the same logits and the same seed give the same tokens on every platform and with
 * any number of threads. The numbers are not those of PyTorch, so the same seed gives other samples
 * there.
 */
@NullMarked
package io.github.ggml4j.generation;

import org.jspecify.annotations.NullMarked;
