/** Helpers that all parts of the library use, and that use none of them. Not exported. */
@NullMarked
package io.github.ggml4j.internal;

import org.jspecify.annotations.NullMarked;
