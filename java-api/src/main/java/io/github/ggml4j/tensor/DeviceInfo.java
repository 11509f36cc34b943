package io.github.ggml4j.tensor;

import java.util.SortedMap;
import org.jspecify.annotations.Nullable;

/**
 * A device that the loaded natives offer.
 *
 * @param name what {@link Device#open} takes, such as {@code cpu} or {@code cuda0}
 * @param description the product, such as {@code AMD EPYC 9R14}
 * @param kind what it is
 * @param freeMemory bytes that can be allocated now; see {@link Device#freeMemory}
 * @param totalMemory bytes; of the CPU the machine's memory, or the smallest limit on it
 * @param computeCapability of an NVIDIA GPU, such as {@code 9.0}; null of others
 * @param versions of what it takes to use it, as far as known: {@code ggml}, and for NVIDIA's
 *     {@code driver} (its release), {@code driver CUDA} (the newest CUDA that it knows), {@code
 *     CUDA} (of the libraries in use), {@code built for} (compute capabilities that the natives
 *     have code for)
 * @param problem why it cannot be used, in one line; null when it can
 */
public record DeviceInfo(
    String name,
    String description,
    Kind kind,
    long freeMemory,
    long totalMemory,
    @Nullable String computeCapability,
    SortedMap<String, String> versions,
    @Nullable String problem) {
  /** Kinds of devices. */
  public enum Kind {
    /** The processor, with the machine's memory. */
    CPU,
    /** A graphics card with memory of its own. */
    GPU,
    /** A graphics processor that shares the machine's memory. */
    INTEGRATED_GPU,
    /** A library or unit that helps another device. */
    ACCELERATOR
  }
}
