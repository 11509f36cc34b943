/**
 * Tensors, the graphs that compute with them, and devices.
 *
 * <p>Shapes are row-major, outermost dimension first, as in papers: {@code (B, T, C)}. ggml's
 * {@code ne} has the same numbers in reverse order, the row length first.
 */
@NullMarked
package io.github.ggml4j.tensor;

import org.jspecify.annotations.NullMarked;
