/**
 * Where training text comes from: files, folders, JSON lines, archives, lists and streams, read
 * lazily and in a fixed order.
 */
@NullMarked
package io.github.ggml4j.trainer.data;

import org.jspecify.annotations.NullMarked;
