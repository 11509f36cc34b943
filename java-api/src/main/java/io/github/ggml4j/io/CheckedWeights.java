package io.github.ggml4j.io;

import io.github.ggml4j.format.ModelFormatException;
import io.github.ggml4j.internal.Names;
import io.github.ggml4j.model.Gpt2Config;
import io.github.ggml4j.model.WeightInfo;
import io.github.ggml4j.model.WeightSource;
import io.github.ggml4j.model.WeightSpec;
import io.github.ggml4j.tensor.DType;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * The weights of a file: every weight of a configuration, each in the shape that it needs. Tensors
 * that the network does not use are named in a warning.
 */
final class CheckedWeights implements WeightSource {
  /** How many names a message lists. */
  private static final int MAX_NAMES = 5;

  /** A tensor of a file: its type, shape and bytes. */
  @SuppressWarnings("ArrayRecordComponent") // internal, never compared
  record Stored(DType dtype, long[] shape, Supplier<MemorySegment> data) {}

  /** How linear weights are stored. */
  enum LinearLayout {
    /** As in GGUF and llm.c. */
    OUT_IN,
    /** Conv1D, as in Hugging Face's and OpenAI's files. */
    IN_OUT
  }

  private record Weight(WeightInfo info, Supplier<MemorySegment> data) {}

  private final String source;
  private final Runnable onClose;
  private final Map<String, Weight> weights = new LinkedHashMap<>();
  private volatile boolean closed;

  /**
   * Finds and checks the weights.
   *
   * @param tensors by their names in the file
   * @param nameInFile gives the name that a weight has in the file
   * @param onClose releases the file
   * @throws ModelFormatException if a weight is missing or has the wrong shape or type
   */
  CheckedWeights(
      String source,
      Gpt2Config config,
      LinearLayout layout,
      Map<String, Stored> tensors,
      Function<WeightSpec, String> nameInFile,
      Runnable onClose) {
    this.source = source;
    this.onClose = onClose;
    List<WeightSpec> specs = WeightSpec.of(config);
    List<String> missing = new ArrayList<>();
    Set<String> unused = new TreeSet<>(tensors.keySet());
    for (WeightSpec spec : specs) {
      String name = nameInFile.apply(spec);
      Stored stored = tensors.get(name);
      if (stored == null) {
        missing.add(spec.name());
        continue;
      }
      unused.remove(name);
      boolean transposed = layout == LinearLayout.IN_OUT && spec.linear();
      check(spec, stored, transposed ? spec.storedShape() : spec.shape());
      WeightInfo info = new WeightInfo(spec.name(), stored.dtype(), stored.shape(), transposed);
      weights.put(spec.name(), new Weight(info, stored.data()));
    }
    if (!missing.isEmpty()) {
      throw ModelFormatException.of(
          source,
          "lacks " + missing.size() + " of " + specs.size() + " weights: " + list(missing),
          "every weight of a GPT-2 of " + config.nLayer() + " layers",
          "Check that configuration and weights belong together.");
    }
    if (!unused.isEmpty()) {
      System.getLogger(CheckedWeights.class.getName())
          .log(
              System.Logger.Level.WARNING,
              "{0}: {1} tensors are not part of GPT-2 and are not used: {2}",
              source,
              unused.size(),
              Names.quote(list(List.copyOf(unused))));
    }
  }

  private static String list(List<String> names) {
    return String.join(", ", names.subList(0, Math.min(MAX_NAMES, names.size())))
        + (names.size() > MAX_NAMES ? ", ..." : "");
  }

  @Override
  public Set<String> names() {
    return Collections.unmodifiableSet(weights.keySet());
  }

  @Override
  public WeightInfo info(String name) {
    return weight(name).info();
  }

  @Override
  public MemorySegment data(String name) {
    if (closed) {
      throw new IllegalStateException("Already closed: weights of " + source);
    }
    return weight(name).data().get();
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      onClose.run();
    }
  }

  private Weight weight(String name) {
    Weight weight = weights.get(name);
    if (weight == null) {
      throw new IllegalArgumentException(
          source + ": has no weight '" + name + "'; expected one of names()");
    }
    return weight;
  }

  private void check(WeightSpec spec, Stored stored, long[] expected) {
    if (!Arrays.equals(stored.shape(), expected)) {
      throw ModelFormatException.of(
          source,
          spec.name() + " has shape " + Arrays.toString(stored.shape()),
          Arrays.toString(expected),
          "Check that configuration and weights belong together.");
    }
    DType dtype = stored.dtype();
    boolean weightType = dtype.isFloat() || dtype.isQuantized();
    if (!weightType || dtype == DType.Q8_1 || dtype == DType.Q8_K) {
      throw ModelFormatException.of(
          source,
          spec.name() + " has type " + dtype,
          "F32, F16, BF16 or, in a GGUF file, a quantized type",
          "Save the model in one of these types.");
    }
  }
}
