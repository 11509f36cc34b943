/** Internal classes that several packages of the trainer use. */
@NullMarked
package io.github.ggml4j.trainer.internal;

import org.jspecify.annotations.NullMarked;
