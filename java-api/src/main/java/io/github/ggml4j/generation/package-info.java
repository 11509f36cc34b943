/**
 * Text generation: greedy search, sampling and beam search, with the options of Hugging Face's
 * {@code generate}, their meanings and their order.
 *
 * <p>{@link io.github.ggml4j.generation.GenerationConfig} holds the options, {@link
 * io.github.ggml4j.generation.Generator} generates token ids, and {@code TextGenerator} in the
 * parent package generates text. Your own {@link io.github.ggml4j.generation.LogitsProcessor} runs
 * after Hugging Face's processors and before the filters of sampling.
 *
 * <p>Random numbers come from xoshiro256++, and probabilities from arithmetic that Java defines to
 * the last bit. So the same logits and the same seed give the same tokens on every platform and
 * with any number of threads. PyTorch's random numbers are different, so its samples are too.
 */
@NullMarked
package io.github.ggml4j.generation;

import org.jspecify.annotations.NullMarked;
