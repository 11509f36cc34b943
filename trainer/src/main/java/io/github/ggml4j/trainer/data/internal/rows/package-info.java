/**
 * Rows with named columns: the formats they are read from, the steps that filter, shuffle and count
 * them, and saved positions.
 *
 * <p>A {@link io.github.ggml4j.trainer.data.internal.rows.RowInput} opens a {@link
 * io.github.ggml4j.trainer.data.internal.rows.RowReader} for each format. {@link
 * io.github.ggml4j.trainer.data.internal.rows.ChainedRows} reads several inputs one after another,
 * and each {@link io.github.ggml4j.trainer.data.internal.rows.RowStep} wraps a reader in another
 * one. A new format is one reader and one line in {@link
 * io.github.ggml4j.trainer.data.internal.rows.FileFormat}; a new step is one record in {@code
 * RowStep}.
 */
@NullMarked
package io.github.ggml4j.trainer.data.internal.rows;

import org.jspecify.annotations.NullMarked;
