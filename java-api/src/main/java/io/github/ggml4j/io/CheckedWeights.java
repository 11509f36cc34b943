package io.github.ggml4j.io;

import io.github.ggml4j.format.ModelFormatException;
import io.github.ggml4j.model.Gpt2Config;
import io.github.ggml4j.model.WeightInfo;
import io.github.ggml4j.model.WeightSource;
import io.github.ggml4j.model.WeightSpec;
import io.github.ggml4j.tensor.DType;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** The weights of a file, checked to be all that a configuration asks for, in its shapes. */
final class CheckedWeights implements WeightSource {
  /** A tensor of a file: its type, shape and bytes. */
  @SuppressWarnings("ArrayRecordComponent") // internal, never compared
  record Stored(DType dtype, long[] shape, Supplier<MemorySegment> data) {}

  /** Finds a tensor of a file by the weight it is to be. */
  interface Lookup {
    @Nullable Stored find(WeightSpec spec);
  }

  private record Weight(WeightInfo info, Supplier<MemorySegment> data) {}

  private final String source;
  private final Runnable onClose;
  private final Map<String, Weight> weights = new LinkedHashMap<>();
  private volatile boolean closed;

  /**
   * @param conv1d whether linear weights stand as {@code (in, out)}
   * @param onClose releases the file
   */
  CheckedWeights(
      String source, Gpt2Config config, boolean conv1d, Lookup lookup, Runnable onClose) {
    this.source = source;
    this.onClose = onClose;
    List<WeightSpec> specs = WeightSpec.of(config);
    List<String> missing =
        specs.stream().filter(s -> lookup.find(s) == null).map(WeightSpec::name).toList();
    if (!missing.isEmpty()) {
      throw ModelFormatException.of(
          source,
          "lacks "
              + missing.size()
              + " of "
              + specs.size()
              + " weights: "
              + String.join(", ", missing.subList(0, Math.min(5, missing.size())))
              + (missing.size() > 5 ? ", ..." : ""),
          "every weight of a GPT-2 of " + config.nLayer() + " layers",
          "Check that configuration and weights belong together.");
    }
    for (WeightSpec spec : specs) {
      Stored stored = lookup.find(spec);
      if (stored != null) {
        boolean transposed = conv1d && spec.linear();
        check(spec, stored, transposed ? spec.storedShape() : spec.shape());
        WeightInfo info = new WeightInfo(spec.name(), stored.dtype(), stored.shape(), transposed);
        weights.put(spec.name(), new Weight(info, stored.data()));
      }
    }
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
