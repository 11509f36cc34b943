package io.github.ggml4j.tensor;

/** What keeps the memory of a tensor. */
interface TensorOwner {
  /**
   * Fails when the owner is closed.
   *
   * @throws IllegalStateException "Already closed: ..."
   */
  void checkOpen();

  /** Where that memory is. */
  Device device();
}
