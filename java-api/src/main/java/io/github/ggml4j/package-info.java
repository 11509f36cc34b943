/**
 * GPT-2 for Java: {@link io.github.ggml4j.TextGenerator} loads a model and continues texts.
 *
 * <p>Its parts are in the packages below, such as {@code model}, {@code tokenizer}, {@code
 * generation} and {@code tensor}.
 */
@NullMarked
package io.github.ggml4j;

import org.jspecify.annotations.NullMarked;
