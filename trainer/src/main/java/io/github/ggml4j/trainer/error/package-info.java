/** Exceptions that several packages of the trainer throw. */
@NullMarked
package io.github.ggml4j.trainer.error;

import org.jspecify.annotations.NullMarked;
