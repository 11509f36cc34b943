/**
 * Reading and writing of GGUF files, versions 2 and 3, little endian.
 *
 * <p>Layout: magic, version, counts, typed key-value metadata, one record per tensor (name,
 * dimensions in ggml's order with the row length first, type, offset), then the aligned tensor
 * data. See <a href="https://github.com/ggml-org/ggml/blob/master/docs/gguf.md">the
 * specification</a>.
 */
@NullMarked
package io.github.ggml4j.format.gguf;

import org.jspecify.annotations.NullMarked;
