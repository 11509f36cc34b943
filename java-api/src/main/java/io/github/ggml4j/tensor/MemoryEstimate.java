package io.github.ggml4j.tensor;

import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * The memory that a training or a generation needs on a device, computed before it is allocated.
 * Immutable.
 *
 * <p>Weights in a mapped file are not counted. The memory of a GPU's driver and libraries (about
 * 500 MB with CUDA) is not counted either, because it is already missing from the free memory.
 * cuBLAS loads a small part of it only when it is first used.
 *
 * <p>On a CPU, 64 MiB of the free memory are kept for the Java heap, compiled code and file
 * buffers, which grow during the work.
 */
public final class MemoryEstimate {
  /** Purposes of memory. */
  public enum Part {
    /** The weights of the model. */
    PARAMETERS("parameters"),
    /** The gradients of the weights. */
    GRADIENTS("gradients"),
    /** Moments of AdamW, momentum of SGD. */
    OPTIMIZER_STATE("optimizer state"),
    /** Inputs and intermediate results of graphs, except logits. */
    ACTIVATIONS("activations"),
    /** Logits of the rows that are computed together. */
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

  private static final long KEPT_FOR_JAVA = 64L << 20;

  private final String what;
  private final Device device;
  private final Map<Part, Long> parts;
  private final long allocated;
  private final long free;
  private final long keptForJava;

  /**
   * An estimate.
   *
   * @param what names the work in messages
   * @param device the device it runs on
   * @param parts bytes of each part; parts of 0 bytes are left out
   * @param graphs the ops of each graph, in the order in which they first run; they add {@link
   *     Part#TEMPORARY}
   * @param allocated bytes of these that are already allocated, such as the weights of a loaded
   *     model
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
    this.keptForJava = device.isCpu() ? KEPT_FOR_JAVA : 0;
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

  /** Bytes that were free when the estimate was made; see {@link Device#freeMemory}. */
  public long freeBytes() {
    return free;
  }

  /** Bytes of the free memory that are kept for Java; 0 unless the device is a CPU. */
  public long bytesKeptForJava() {
    return keptForJava;
  }

  /** Whether {@link #neededBytes} are free besides {@link #bytesKeptForJava}. */
  public boolean fits() {
    return neededBytes() + keptForJava <= free;
  }

  /**
   * Fails if it does not fit.
   *
   * @throws OutOfDeviceMemoryException with the bytes that are needed and free, and what to do
   */
  public void check() {
    if (!fits()) {
      var kept = keptForJava == 0 ? "" : "; besides, " + gib(keptForJava) + " are kept for Java";
      throw OutOfDeviceMemoryException.of(
          what + " (" + list() + kept + ")", device, neededBytes() + keptForJava, free);
    }
  }

  /** One line: {@code 3.05 GiB on cuda0, 78.10 GiB free: parameters 0.46, ...}. */
  public String brief() {
    return String.format(
        Locale.ROOT,
        "%s on %s, %s free%s: %s",
        gib(totalBytes()),
        device.name(),
        gib(free),
        keptForJava == 0 ? "" : " (" + gib(keptForJava) + " kept for Java)",
        list());
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

  /**
   * A table: one line for each part, then the sum, the bytes already allocated and the free bytes.
   */
  @Override
  public String toString() {
    var text = new StringBuilder(what).append(" on ").append(device).append(":\n");
    parts.forEach((part, bytes) -> row(text, part.toString(), bytes));
    row(text, "sum", totalBytes());
    row(text, "allocated already", totalBytes() - neededBytes());
    row(text, "free", free);
    row(text, "kept for Java", keptForJava);
    return text.toString();
  }

  private static void row(StringBuilder text, String name, long bytes) {
    text.append(String.format(Locale.ROOT, "  %-18s %,18d bytes %12s%n", name, bytes, gib(bytes)));
  }
}
