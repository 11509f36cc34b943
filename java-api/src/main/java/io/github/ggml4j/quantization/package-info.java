/**
 * Quantized weights: the types and mixtures of types of llama.cpp, and the importance matrix that
 * improves them.
 */
@NullMarked
package io.github.ggml4j.quantization;

import org.jspecify.annotations.NullMarked;
