package io.github.ggml4j.model;

import io.github.ggml4j.tensor.Tensor;
import io.github.ggml4j.tensor.TensorStore;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The layout of all parameters in one vector, so that an optimizer is one op: first matrices, to
 * which weight decay applies, then biases and LayerNorm weights. Offsets are multiples of 16
 * elements.
 *
 * @param shapes the parameters in the order of the vector
 * @param offsets index of the first element of each
 * @param matrixElements index of the first element after the matrices
 * @param elements length of the vector
 */
public record FlatLayout(
    List<WeightSpec> shapes, List<Long> offsets, long matrixElements, long elements) {
  private static final long ALIGNMENT = 16;

  /** The layout of a model's parameters. */
  public static FlatLayout of(Gpt2Config config) {
    var ordered = new ArrayList<WeightSpec>();
    var all = WeightSpec.of(config);
    all.stream().filter(WeightSpec::isMatrix).forEach(ordered::add);
    int matrices = ordered.size();
    all.stream().filter(shape -> !shape.isMatrix()).forEach(ordered::add);
    var offsets = new ArrayList<Long>();
    long at = 0;
    long matrixElements = 0;
    for (int i = 0; i < ordered.size(); i++) {
      if (i == matrices) {
        matrixElements = at;
      }
      offsets.add(at);
      at += (ordered.get(i).elements() + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }
    return new FlatLayout(List.copyOf(ordered), List.copyOf(offsets), matrixElements, at);
  }

  /** Declares a view of {@code flat} for each parameter. */
  public Map<String, Tensor> views(TensorStore store, Tensor flat) {
    var views = new LinkedHashMap<String, Tensor>();
    for (int i = 0; i < shapes.size(); i++) {
      var shape = shapes.get(i);
      views.put(shape.name(), store.view(flat, offsets.get(i), shape.shape()));
    }
    return views;
  }
}
