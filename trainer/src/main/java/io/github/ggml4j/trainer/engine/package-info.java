/**
 * What the training loop asks of a model: open an engine, run micro-steps and updates, save the
 * weights. The loop knows nothing of graphs or devices, the engine nothing of datasets or
 * schedules.
 */
@NullMarked
package io.github.ggml4j.trainer.engine;

import org.jspecify.annotations.NullMarked;
