/** Which ggml ops a model needs, and which device computes them. */
@NullMarked
package io.github.ggml4j.trainer.internal.ops;

import org.jspecify.annotations.NullMarked;
