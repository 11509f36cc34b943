/**
 * Models on disk: every form that a model is read from and written to.
 *
 * <p>{@link io.github.ggml4j.io.Models} loads and saves. {@link io.github.ggml4j.io.ModelFiles}
 * gives access to the configuration, the weights and the tokenizer of a model without loading it.
 */
@NullMarked
package io.github.ggml4j.io;

import org.jspecify.annotations.NullMarked;
