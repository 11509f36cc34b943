package io.github.ggml4j.format.torch;

import io.github.ggml4j.tensor.DType;

/**
 * One tensor of a file of {@code torch.save}.
 *
 * @param name key in the state dict, such as {@code transformer.wte.weight}
 * @param dtype element type
 * @param shape row-major, outermost dimension first; empty for a scalar
 */
@SuppressWarnings("ArrayRecordComponent") // a shape is read far more often than compared
public record TorchTensor(String name, DType dtype, long[] shape) {}
