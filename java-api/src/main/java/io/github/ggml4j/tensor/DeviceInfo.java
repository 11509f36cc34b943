package io.github.ggml4j.tensor;

import java.util.SortedMap;
import org.jspecify.annotations.Nullable;

/**
 * A device that the loaded natives offer.
 *
 * @param name what {@link Device#open} takes, such as {@code cpu} or {@code cuda0}
 * @param description the product, such as {@code AMD EPYC 9R14}
 * @param kind the kind of device
 * @param freeMemory bytes that can be allocated now; see {@link Device#freeMemory}
 * @param totalMemory bytes; for the CPU the machine's memory, or the smallest limit on it
 * @param computeCapability of an NVIDIA GPU, such as {@code 9.0}; null for other devices
 * @param versions known versions: {@code ggml}, and for NVIDIA's GPUs {@code driver} (its release),
 *     {@code driver CUDA} (the newest CUDA that the driver supports), {@code CUDA} (of the
 *     libraries in use), {@code built for} (compute capabilities that the natives have code for)
 * @param problem why the device cannot be used, in one line; null if it can
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
    /** A library or unit that computes some ops for another device. */
    ACCELERATOR
  }
}
