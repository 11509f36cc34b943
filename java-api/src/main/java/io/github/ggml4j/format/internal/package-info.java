/** Mapped input, atomic output and JSON for the model file formats. Not for users. */
@NullMarked
package io.github.ggml4j.format.internal;

import org.jspecify.annotations.NullMarked;
