package io.github.ggml4j.io;

import io.github.ggml4j.model.Gpt2Model;
import io.github.ggml4j.model.WeightInfo;
import io.github.ggml4j.model.WeightSource;
import io.github.ggml4j.model.WeightSpec;
import io.github.ggml4j.model.internal.HostFloats;
import io.github.ggml4j.tensor.DType;
import io.github.ggml4j.tensor.Graph;
import io.github.ggml4j.tensor.Quantizer;
import io.github.ggml4j.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CancellationException;
import org.jspecify.annotations.Nullable;

/**
 * The weights of a model for writing: read from the device one at a time and converted.
 *
 * <p>Memory management: the bytes of a weight are valid until the next one is asked for.
 */
final class ConvertedWeights implements WeightSource {
  private final Gpt2Model model;
  private final Map<String, Tensor> tensors;
  private final Map<String, DType> types;
  private final Map<String, WeightSpec> specs;
  private final ModelExport export;
  private final int threads;
  private final Set<String> written = new HashSet<>();
  private @Nullable Arena arena;

  /**
   * Weights for a file.
   *
   * @param types target types by name; weights that are not in it keep their type
   * @param export gives the importance of columns and receives progress
   * @param threads number of threads that quantize
   */
  ConvertedWeights(Gpt2Model model, Map<String, DType> types, ModelExport export, int threads) {
    this.model = model;
    this.tensors = model.tensors();
    this.types = types;
    this.specs = new LinkedHashMap<>();
    WeightSpec.of(model.config()).forEach(spec -> specs.put(spec.name(), spec));
    this.export = export;
    this.threads = threads;
  }

  @Override
  public Set<String> names() {
    return tensors.keySet();
  }

  @Override
  public WeightInfo info(String name) {
    var tensor = tensor(name);
    return new WeightInfo(name, target(name, tensor), tensor.shape(), false);
  }

  private Tensor tensor(String name) {
    var tensor = tensors.get(name);
    if (tensor == null) {
      throw new IllegalArgumentException("There is no weight " + name);
    }
    return tensor;
  }

  private WeightSpec spec(String name) {
    var spec = specs.get(name);
    if (spec == null) {
      throw new IllegalArgumentException("There is no weight " + name);
    }
    return spec;
  }

  private DType target(String name, Tensor tensor) {
    return types.getOrDefault(name, tensor.type());
  }

  @Override
  public MemorySegment data(String name) {
    var bytes = converted(name);
    written.add(name);
    export
        .progress()
        .accept(new ModelExport.Progress(name, info(name).dtype(), written.size(), specs.size()));
    return bytes;
  }

  private MemorySegment converted(String name) {
    close();
    if (Thread.currentThread().isInterrupted()) {
      throw new CancellationException("Saving was interrupted");
    }
    var fresh = Arena.ofShared();
    arena = fresh;
    var tensor = tensor(name);
    var target = target(name, tensor);
    if (tensor.type() == target) {
      var bytes = fresh.allocate(tensor.bytes(), 64);
      tensor.get(bytes, 0, tensor.bytes());
      return bytes.asReadOnly();
    }
    var floats = floats(tensor, fresh);
    if (target == DType.F32) {
      return floats.asReadOnly();
    }
    var result = fresh.allocate(target.byteSize(tensor.elements()), 64);
    var columns = tensor.columns();
    var rows = tensor.elements() / columns;
    var weights = target.isQuantized() ? export.importance(spec(name)) : null;
    try {
      new Quantizer(target).quantize(floats, rows, columns, weights, result, threads);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(name + ": " + e.getMessage(), e);
    }
    return result.asReadOnly();
  }

  private MemorySegment floats(Tensor tensor, Arena to) {
    var floats = to.allocate(4 * tensor.elements(), 64);
    if (tensor.type() == DType.F32) {
      tensor.get(floats, 0, floats.byteSize());
      return floats;
    }
    if (tensor.type().isQuantized() && !model.device().sharesHostMemory()) {
      HostFloats.of(tensor, floats);
      return floats;
    }
    try (var graph = Graph.forward(model.device(), 8)) {
      var copy = graph.input(DType.F32, tensor.shape());
      graph.copyInto(tensor, copy);
      graph.build().compute();
      copy.get(floats, 0, floats.byteSize());
      return floats;
    }
  }

  @Override
  public void close() {
    if (arena != null) {
      arena.close();
      arena = null;
    }
  }
}
