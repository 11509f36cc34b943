/**
 * Files as bytes and as text: finding, opening, decompressing and decoding them. Knows nothing of
 * rows.
 */
@NullMarked
package io.github.ggml4j.trainer.data.internal.files;

import org.jspecify.annotations.NullMarked;
