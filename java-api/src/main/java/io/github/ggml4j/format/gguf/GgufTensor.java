package io.github.ggml4j.format.gguf;

import io.github.ggml4j.tensor.DType;

/**
 * One tensor of a GGUF file.
 *
 * @param name name in the file, such as {@code blk.0.attn_qkv.weight}
 * @param dtype element type
 * @param shape row-major, outermost dimension first: the reverse of the order in the file
 * @param offset first byte, counted from the start of the tensor data
 * @param byteSize size in bytes
 */
@SuppressWarnings("ArrayRecordComponent") // a shape is read far more often than compared
public record GgufTensor(String name, DType dtype, long[] shape, long offset, long byteSize) {}
