/**
 * Training of a model. {@link io.github.ggml4j.trainer.Trainer} reads documents, makes batches of
 * them, and runs the training loop.
 */
@NullMarked
package io.github.ggml4j.trainer;

import org.jspecify.annotations.NullMarked;
