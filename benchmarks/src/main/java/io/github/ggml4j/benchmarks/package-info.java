/** One measurement for each run of the JVM, so that peak memory and warm-up are its own. */
@NullMarked
package io.github.ggml4j.benchmarks;

import org.jspecify.annotations.NullMarked;
