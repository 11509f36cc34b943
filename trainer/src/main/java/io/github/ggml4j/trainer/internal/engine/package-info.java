/**
 * The training engine: runs forward and backward of a batch on a model's device, and updates the
 * weights. It does not depend on datasets, schedules or the training loop.
 */
@NullMarked
package io.github.ggml4j.trainer.internal.engine;

import org.jspecify.annotations.NullMarked;
