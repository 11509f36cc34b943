/** Conversions of the bytes of weights; for loading and writing models. */
@NullMarked
package io.github.ggml4j.model.internal;

import org.jspecify.annotations.NullMarked;
