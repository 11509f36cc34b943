/**
 * Finds, checks and loads the native libraries, and passes ggml's log to {@link System.Logger}. The
 * generated bindings are in {@code ffi}. Exported to ggml4j's own modules only.
 */
@NullMarked
package io.github.ggml4j.bindings;

import org.jspecify.annotations.NullMarked;
