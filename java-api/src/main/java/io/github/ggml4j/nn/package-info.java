/**
 * The differentiable building blocks of GPT-2. Each class has the forward and the backward pass of
 * one op in two forms: composed of ggml's stock ops, which work on every device, and as a fused
 * kernel of ggml4j, which is used on devices that have it. Both give the same numbers within float
 * rounding. The classes choose the form; their callers need not know it.
 *
 * <p>Names of dimensions: B sequences of a batch, T tokens of a sequence, C the width of a token
 * ({@code nEmbd}), V the size of the vocabulary, NH heads of HS elements. A matrix of {@code
 * tokens} rows holds the tokens of all sequences, sequence by sequence: {@code tokens = B * T}.
 */
@NullMarked
package io.github.ggml4j.nn;

import org.jspecify.annotations.NullMarked;
