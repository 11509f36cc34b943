package io.github.ggml4j.tensor;

/** Owns the memory of tensors. */
interface TensorOwner {
  /**
   * Fails if the owner is closed.
   *
   * @throws IllegalStateException "Already closed: ..."
   */
  void checkOpen();

  /** The device that has the memory. */
  Device device();
}
