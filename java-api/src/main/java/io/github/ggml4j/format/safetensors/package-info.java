/**
 * Reading and writing of safetensors files.
 *
 * <p>Layout: the header's length (8 bytes, little endian), a JSON object that gives each tensor's
 * dtype, row-major shape and byte range, then the bytes of all tensors without gaps. See <a
 * href="https://github.com/huggingface/safetensors">huggingface/safetensors</a>.
 */
@NullMarked
package io.github.ggml4j.format.safetensors;

import org.jspecify.annotations.NullMarked;
