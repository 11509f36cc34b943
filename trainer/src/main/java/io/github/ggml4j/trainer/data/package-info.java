/**
 * Training text: from files, folders, archives, tables (Parquet, CSV, JSON), datasets of the
 * Hugging Face Hub, lists and streams. All are read lazily and in a fixed order.
 *
 * <p>{@link io.github.ggml4j.trainer.data.Datasets} has the entry points. A {@link
 * io.github.ggml4j.trainer.data.Dataset} is anything that gives the same documents each time it is
 * read; a {@link io.github.ggml4j.trainer.data.RowDataset} has rows with columns and is what all
 * files are read as.
 */
@NullMarked
package io.github.ggml4j.trainer.data;

import org.jspecify.annotations.NullMarked;
