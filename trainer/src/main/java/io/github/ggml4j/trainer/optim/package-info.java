/**
 * Optimizers and learning-rate schedules as values: what to do, not the doing. The names, defaults
 * and formulas are PyTorch's ({@code torch.optim}) and Hugging Face's ({@code
 * transformers.optimization}); the arithmetic runs in the training engine.
 */
@NullMarked
package io.github.ggml4j.trainer.optim;

import org.jspecify.annotations.NullMarked;
