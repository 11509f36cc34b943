package io.github.ggml4j.tensor;

import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * How much memory of a device some work needs, computed before anything is allocated. Immutable.
 *
 * <p>Weights in a mapped file need none. On a GPU, memory of the driver and of its libraries (some
 * 500 MB with CUDA) is not counted: it is not free to begin with, except for what cuBLAS loads when
 * it is first used.
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
    /** Inputs and intermediate results of graphs, except logits. */
    ACTIVATIONS("activations"),
    /** The logits of the rows that are computed at once. */
    LOGITS("logits"),
    /** Keys and values of earlier tokens. */
    KV_CACHE("KV cache"),
    /** Memory that a GPU's ops allocate while they run. */
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
   * @param what names the work in messages
   * @param device the device it runs on
   * @param parts bytes of each part; parts of 0 bytes are left out
   * @param graphs the ops of each graph, in the order in which they first run; they add {@link
   *     Part#TEMPORARY}
   * @param allocated number of these bytes that are allocated already, such as the weights of a
   *     loaded model
   */
  public MemoryEstimate(
      String what,
      Device device,
      Map<Part, Long> parts,
      List<List<GraphOp>> graphs,
      long allocated) {
    this.what = what;
    this.device = device;
    var counted = new EnumMap<Part, Long>(Part.class);
    counted.putAll(parts);
    counted.put(Part.TEMPORARY, device.temporaryBytes(graphs));
    counted.values().removeIf(bytes -> bytes <= 0);
    this.parts = Collections.unmodifiableMap(counted);
    this.allocated = allocated;
    this.free = device.freeMemory();
  }

  /** Bytes of each part, in the order of {@link Part}; parts of 0 bytes are left out. */
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

  /** Whether {@link #neededBytes} are free. */
  public boolean fits() {
    return neededBytes() <= free;
  }

  /**
   * Fails if it does not fit.
   *
   * @throws OutOfDeviceMemoryException with the bytes that are needed and free, and what to do
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

  /** A table: a line for each part, then the sum, the allocated part of it and the free memory. */
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
