/**
 * Tests and measurements of a device in one run, for machines that have nothing but a driver: the
 * golden tests, speed beside PyTorch, and a profile, each a part that can be run by itself.
 */
@NullMarked
package io.github.ggml4j.benchmarks;

import org.jspecify.annotations.NullMarked;
