package io.github.ggml4j.format.torch;

import io.github.ggml4j.tensor.DType;

/**
 * A storage that a pickle refers to.
 *
 * @param key its name in the file
 * @param elements number of elements, 0 or more
 */
record PickleStorage(String key, DType dtype, long elements) {}
