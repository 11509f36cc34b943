package io.github.ggml4j.tensor;

import java.util.Collections;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * How much memory of a device some work takes, counted before anything of it is allocated. An
 * immutable value.
 *
 * <p>Weights that stand in a mapped file take none. On a GPU, what its driver and libraries keep
 * for themselves (some 500 MB with CUDA) is not counted: it is not free to begin with, but for what
 * cuBLAS loads when it is first used.
 */
public final class MemoryEstimate {
  /** What memory is for. */
  public enum Part {
    /** The weights of the model. */
    PARAMETERS("parameters"),
    /** A gradient for each of them. */
    GRADIENTS("gradients"),
    /** Moments of AdamW, momentum of SGD. */
    OPTIMIZER_STATE("optimizer state"),
    /** Inputs and intermediate results of graphs, but for logits. */
    ACTIVATIONS("activations"),
    /** The logits of the rows that are computed at a time. */
    LOGITS("logits"),
    /** Keys and values of tokens already seen. */
    KV_CACHE("KV cache"),
    /** What ops of a GPU take on the side. */
    TEMPORARY("temporary");

    private final String text;

    Part(String text) {
      this.text = text;
    }

    @Override
    public String toString() {
      return text;
    }
  }

  private final String what;
  private final Device device;
  private final Map<Part, Long> parts;
  private final long allocated;
  private final long free;

  /**
   * An estimate.
   *
   * @param what the work, for messages
   * @param device where
   * @param parts bytes of each part; those of 0 are left out
   * @param allocated how many of these bytes are allocated already, as the weights of a loaded
   *     model
   */
  public MemoryEstimate(String what, Device device, Map<Part, Long> parts, long allocated) {
    this.what = what;
    this.device = device;
    var counted = new EnumMap<Part, Long>(Part.class);
    parts.forEach((part, bytes) -> {
      if (bytes > 0) {
        counted.put(part, bytes);
      }
    });
    this.parts = Collections.unmodifiableMap(counted);
    this.allocated = allocated;
    this.free = device.freeMemory();
  }

  /** Bytes of each part, in the order of {@link Part}; parts of none are left out. */
  public Map<Part, Long> parts() {
    return parts;
  }

  /** Bytes of one part. */
  public long bytes(Part part) {
    return parts.getOrDefault(part, 0L);
  }

  /** Bytes of all parts. */
  public long totalBytes() {
    return parts.values().stream().mapToLong(Long::longValue).sum();
  }

  /** Bytes that have yet to be allocated. */
  public long neededBytes() {
    return Math.max(0, totalBytes() - allocated);
  }

  /** Bytes that were free when this was made; see {@link Device#freeMemory}. */
  public long freeBytes() {
    return free;
  }

  /** Whether what is needed is free. */
  public boolean fits() {
    return neededBytes() <= free;
  }

  /**
   * Fails when it does not fit.
   *
   * @throws OutOfDeviceMemoryException with the bytes needed and free, and what to do
   */
  public void check() {
    if (!fits()) {
      throw OutOfDeviceMemoryException.of(what + " (" + list() + ")", device, neededBytes(), free);
    }
  }

  /** One line: {@code 3.05 GiB on cuda0, 78.10 GiB free: parameters 0.46, ...}. */
  public String brief() {
    return String.format(
        Locale.ROOT, "%s on %s, %s free: %s", gib(totalBytes()), device.name(), gib(free), list());
  }

  private String list() {
    return parts.entrySet().stream()
            .map(
                part -> String.format(Locale.ROOT, "%s %.2f", part.getKey(), part.getValue() / GIB))
            .collect(Collectors.joining(", "))
        + " GiB";
  }

  private static final double GIB = 1L << 30;

  private static String gib(long bytes) {
    return String.format(Locale.ROOT, "%.2f GiB", bytes / GIB);
  }

  /** A table, a line for each part, then the sum, and what of it is allocated and what is free. */
  @Override
  public String toString() {
    var text = new StringBuilder(what).append(" on ").append(device).append(":\n");
    parts.forEach((part, bytes) -> row(text, part.toString(), bytes));
    row(text, "sum", totalBytes());
    row(text, "allocated already", totalBytes() - neededBytes());
    row(text, "free", free);
    return text.toString();
  }

  private static void row(StringBuilder text, String name, long bytes) {
    text.append(String.format(Locale.ROOT, "  %-18s %,18d bytes %12s%n", name, bytes, gib(bytes)));
  }
}
