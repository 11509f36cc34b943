/**
 * Where training text comes from: files, folders, archives, tables (Parquet, CSV, JSON), datasets
 * of the Hugging Face Hub, lists and streams, read lazily and in a fixed order.
 */
@NullMarked
package io.github.ggml4j.trainer.data;

import org.jspecify.annotations.NullMarked;
