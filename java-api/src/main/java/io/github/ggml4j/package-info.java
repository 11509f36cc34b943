/**
 * GPT-2 for Java: {@link io.github.ggml4j.TextGenerator} loads a model and continues texts.
 *
 * <p>What it is made of is in the packages below: {@code model}, {@code tokenizer}, {@code
 * generation}, {@code tensor}.
 */
@NullMarked
package io.github.ggml4j;

import org.jspecify.annotations.NullMarked;
