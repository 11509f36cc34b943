/**
 * Optimizers. Names, defaults and formulas are those of {@code torch.optim}. An optimizer is one
 * class that implements {@link io.github.ggml4j.trainer.optim.Optimizer}: its options, and the ops
 * that its update adds to a graph.
 */
@NullMarked
package io.github.ggml4j.trainer.optim;

import org.jspecify.annotations.NullMarked;
