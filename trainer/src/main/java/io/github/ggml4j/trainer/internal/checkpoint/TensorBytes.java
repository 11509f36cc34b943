package io.github.ggml4j.trainer.internal.checkpoint;

import io.github.ggml4j.model.Gpt2Model;
import io.github.ggml4j.model.WeightInfo;
import io.github.ggml4j.model.WeightSource;
import io.github.ggml4j.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Gives the bytes of tensors, and the weights of a model, for writing: where they are if the device
 * shares the host's memory, else a copy that is valid until the next one is asked for.
 */
final class TensorBytes implements WeightSource {
  private final Map<String, Tensor> weights;
  private @Nullable Arena arena;

  TensorBytes(Gpt2Model model) {
    this.weights = model.tensors();
  }

  @Override
  public Set<String> names() {
    return weights.keySet();
  }

  private Tensor weight(String name) {
    var tensor = weights.get(name);
    if (tensor == null) {
      throw new IllegalArgumentException("There is no weight " + name);
    }
    return tensor;
  }

  @Override
  public WeightInfo info(String name) {
    var tensor = weight(name);
    return new WeightInfo(name, tensor.type(), tensor.shape(), false);
  }

  @Override
  public MemorySegment data(String name) {
    return of(weight(name));
  }

  MemorySegment of(Tensor tensor) {
    close();
    return tensor
        .hostBytes()
        .orElseGet(() -> {
          var fresh = Arena.ofShared();
          arena = fresh;
          var copy = fresh.allocate(tensor.bytes(), 64);
          tensor.get(copy, 0, copy.byteSize());
          return copy.asReadOnly();
        });
  }

  @Override
  public void close() {
    if (arena != null) {
      arena.close();
      arena = null;
    }
  }
}
