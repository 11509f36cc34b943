/**
 * Names and parameters of ggml4j's own kernels, the machine's memory, and types of methods that
 * only ggml4j's own modules call. Exported to these alone.
 */
@NullMarked
package io.github.ggml4j.tensor.internal;

import org.jspecify.annotations.NullMarked;
