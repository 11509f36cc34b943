package io.github.ggml4j.format.torch;

/**
 * A tensor as a pickle describes it: a view of a storage, not checked against the file yet.
 *
 * @param storage what holds the elements
 * @param offset first element
 * @param shape row-major
 * @param stride elements from one index to the next in each dimension
 */
@SuppressWarnings("ArrayRecordComponent") // internal, never compared
record PickleTensor(PickleStorage storage, long offset, long[] shape, long[] stride) {}
