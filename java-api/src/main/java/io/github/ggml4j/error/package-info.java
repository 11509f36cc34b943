/**
 * Exceptions that more than one part of the library throws.
 *
 * <p>An argument that cannot be used is an {@link io.github.ggml4j.error.InvalidArgumentException},
 * which has the parameter, its value and what was expected as separate values.
 */
@NullMarked
package io.github.ggml4j.error;

import org.jspecify.annotations.NullMarked;
