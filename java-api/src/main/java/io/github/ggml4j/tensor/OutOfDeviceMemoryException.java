package io.github.ggml4j.tensor;

import java.io.Serial;
import java.util.Locale;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * A device does not have enough memory. The message says what the memory is for, how much is needed
 * and free, and what to do. The device and everything on it stay usable.
 */
public final class OutOfDeviceMemoryException extends RuntimeException {
  @Serial private static final long serialVersionUID = 1L;

  private static final String ADVICE =
      "Use a smaller batch (with gradient accumulation for training), shorter sequences, weights"
          + " of a smaller type such as F16, or another device.";

  private final @Nullable Long needed;
  private final long free;

  private OutOfDeviceMemoryException(String message, @Nullable Long needed, long free) {
    super(message);
    this.needed = needed;
    this.free = free;
  }

  /**
   * More memory is needed than is free.
   *
   * @param what purpose of the memory, for the message
   * @param needed bytes
   */
  public static OutOfDeviceMemoryException of(String what, Device device, long needed) {
    return of(what, device, needed, device.freeMemory());
  }

  /** As {@link #of(String, Device, long)}, with the number of free bytes. */
  public static OutOfDeviceMemoryException of(String what, Device device, long needed, long free) {
    var limit = device.memoryLimit();
    return new OutOfDeviceMemoryException(
        "Not enough memory for "
            + what
            + " on "
            + device
            + ": it takes "
            + bytes(needed)
            + ", "
            + bytes(free)
            + " are free"
            + (limit == null ? "" : " within the limit of this process (" + limit + ")")
            + ". "
            + ADVICE,
        needed,
        free);
  }

  /** An op could not allocate memory of unknown size while it ran. */
  static OutOfDeviceMemoryException whileComputing(Device device, long free) {
    return new OutOfDeviceMemoryException(
        "Not enough memory on "
            + device
            + " for an op that allocates memory while it runs: "
            + bytes(free)
            + " are free. "
            + ADVICE,
        null,
        free);
  }

  /** Bytes that are needed; empty if that is not known. */
  public OptionalLong neededBytes() {
    return needed == null ? OptionalLong.empty() : OptionalLong.of(needed);
  }

  /** Bytes that were free. */
  public long freeBytes() {
    return free;
  }

  private static String bytes(long count) {
    return String.format(Locale.ROOT, "%,d bytes (%.2f GiB)", count, count / (double) (1L << 30));
  }
}
