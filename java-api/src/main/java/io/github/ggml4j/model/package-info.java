/**
 * GPT-2: its configuration, its weights and where they come from.
 *
 * <p>Names and shapes are Hugging Face's: B sequences of T tokens, C channels, V tokens in the
 * vocabulary, P positions, L layers, NH heads.
 */
@NullMarked
package io.github.ggml4j.model;

import org.jspecify.annotations.NullMarked;
