package io.github.ggml4j.format.torch;

import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** A file of {@code torch.save}: the saved value, and the storages that it refers to. */
interface TorchStorages {
  /** The saved value. */
  @Nullable Object root();

  /**
   * The bytes of a storage where they stand, at least as many as its elements take.
   *
   * @throws io.github.ggml4j.format.ModelFormatException when they are not there
   */
  MemorySegment storage(PickleStorage storage);
}
