/** The commands of {@code ggml4j}. */
@NullMarked
package io.github.ggml4j.cli;

import org.jspecify.annotations.NullMarked;
