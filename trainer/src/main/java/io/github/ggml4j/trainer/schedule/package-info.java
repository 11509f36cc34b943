/**
 * Learning-rate schedules. Names and formulas are those of Hugging Face's {@code
 * transformers.optimization}. A schedule of your own is one class, or a lambda, that implements
 * {@link io.github.ggml4j.trainer.schedule.Schedule}.
 */
@NullMarked
package io.github.ggml4j.trainer.schedule;

import org.jspecify.annotations.NullMarked;
