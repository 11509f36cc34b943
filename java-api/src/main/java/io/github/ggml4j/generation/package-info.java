/**
 * Text generation: greedy search, sampling and beam search, with the options of Hugging Face's
 * {@code generate}, their meanings and their order.
 *
 * <p>{@link io.github.ggml4j.generation.GenerationConfig} holds the options, {@link
 * io.github.ggml4j.generation.Generator} generates token ids, and {@code TextGenerator} in the
 * parent package generates text. Your own {@link io.github.ggml4j.generation.LogitsProcessor} runs
 * after Hugging Face's processors and before the filters of sampling.
 *
 * <p>Random numbers are computed by xoshiro256++, and probabilities with arithmetic whose result
 * Java specifies to the last bit. So the same logits and the same seed give the same tokens on
 * every platform and with any number of threads. PyTorch uses other random numbers, so it draws
 * other samples.
 */
@NullMarked
package io.github.ggml4j.generation;

import org.jspecify.annotations.NullMarked;
