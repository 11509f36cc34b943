/** How ggml4j's own kernels are named and parametrised; for the modules of ggml4j only. */
@NullMarked
package io.github.ggml4j.tensor.internal;

import org.jspecify.annotations.NullMarked;
