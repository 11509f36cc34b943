/**
 * Benchmarks of single parts with JMH. Each class checks the result of its code in {@code setUp},
 * before anything is timed. Run by {@code mvn -Pjmh}, see {@code benchmarks/README.md}.
 */
@NullMarked
package io.github.ggml4j.benchmarks.jmh;

import org.jspecify.annotations.NullMarked;
