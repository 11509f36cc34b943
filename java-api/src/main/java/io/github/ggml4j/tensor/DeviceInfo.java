package io.github.ggml4j.tensor;

/**
 * A device that the loaded natives offer.
 *
 * @param name what {@link Device#open} takes, such as {@code cpu} or {@code cuda0}
 * @param description the product, such as {@code AMD EPYC 9R14}
 * @param kind what it is
 * @param freeMemory bytes
 * @param totalMemory bytes
 */
public record DeviceInfo(
    String name, String description, Kind kind, long freeMemory, long totalMemory) {
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
