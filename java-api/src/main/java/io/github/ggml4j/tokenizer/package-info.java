/**
 * GPT-2's tokenizer: byte-level byte pair encoding, with the same ids as Hugging Face's.
 *
 * <p>{@link io.github.ggml4j.tokenizer.Tokenizer} is the entry point. It reads GPT-2's own
 * vocabulary, Hugging Face folders and the lists of a GGUF file.
 */
@NullMarked
package io.github.ggml4j.tokenizer;

import org.jspecify.annotations.NullMarked;
