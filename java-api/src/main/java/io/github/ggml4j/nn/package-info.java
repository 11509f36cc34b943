/**
 * The differentiable building blocks of GPT-2. The forward and the backward pass of each stand in
 * one class, in two forms: composed of ggml's stock ops, right on every device, and as ggml4j's own
 * fused kernels where the device has them ({@link io.github.ggml4j.tensor.Graph#fused()}). Both
 * give the same numbers within float rounding.
 */
@NullMarked
package io.github.ggml4j.nn;

import org.jspecify.annotations.NullMarked;
