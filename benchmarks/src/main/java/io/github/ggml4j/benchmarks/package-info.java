/**
 * Device tests and benchmarks for machines that have nothing but a driver: golden tests, speed
 * compared with PyTorch, and a profile of ops. Each part can be run by itself.
 */
@NullMarked
package io.github.ggml4j.benchmarks;

import org.jspecify.annotations.NullMarked;
