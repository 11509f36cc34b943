package io.github.ggml4j.model;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import io.github.ggml4j.tensor.DType;
import io.github.ggml4j.tensor.Graph;
import io.github.ggml4j.tensor.Quantizer;
import io.github.ggml4j.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The weights of a model on their way into a file: read from the device one at a time and
 * converted. Vectors are F32, matrices of the type asked for where their rows are whole blocks of
 * it, else F32.
 *
 * <p>Memory management: the bytes of a weight are valid until the next one is asked for.
 */
final class ModelExport implements WeightSource {
  private final Gpt2Model model;
  private final Map<String, Tensor> tensors;
  private final @Nullable DType type;
  private final @Nullable Quantizer quantizer;
  private final boolean vectorsToo;
  private @Nullable Arena arena;

  /**
   * Weights for a file.
   *
   * @param type of matrices; null for the type they have
   * @param vectorsToo whether vectors are converted as well, as in Hugging Face folders
   */
  ModelExport(Gpt2Model model, @Nullable DType type, boolean vectorsToo) {
    this.model = model;
    this.tensors = model.tensors();
    this.type = type;
    this.vectorsToo = vectorsToo;
    this.quantizer = quantizer(type);
  }

  private static @Nullable Quantizer quantizer(@Nullable DType type) {
    if (type == null || type == DType.F32 || type == DType.F16 || type == DType.BF16) {
      return null;
    }
    return new Quantizer(type);
  }

  @Override
  public Set<String> names() {
    return tensors.keySet();
  }

  @Override
  public WeightInfo info(String name) {
    var tensor = tensor(name);
    return new WeightInfo(name, target(tensor), tensor.shape(), false);
  }

  private Tensor tensor(String name) {
    var tensor = tensors.get(name);
    if (tensor == null) {
      throw new IllegalArgumentException("There is no weight " + name);
    }
    return tensor;
  }

  private DType target(Tensor tensor) {
    if (type == null) {
      return tensor.type();
    }
    boolean vector = tensor.shape().length == 1;
    if (vector && !vectorsToo) {
      return DType.F32;
    }
    return tensor.ne(0) % type.blockSize() == 0 ? type : DType.F32;
  }

  @Override
  public MemorySegment data(String name) {
    close();
    var fresh = Arena.ofShared();
    arena = fresh;
    var tensor = tensor(name);
    var target = target(tensor);
    if (tensor.type() == target) {
      var bytes = fresh.allocate(tensor.bytes(), 64);
      tensor.get(bytes, 0, tensor.bytes());
      return bytes.asReadOnly();
    }
    var floats = floats(tensor, fresh);
    return convert(floats, target, tensor, fresh).asReadOnly();
  }

  private MemorySegment floats(Tensor tensor, Arena to) {
    var floats = to.allocate(4 * tensor.elements(), 64);
    if (tensor.type() == DType.F32) {
      tensor.get(floats, 0, floats.byteSize());
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

  private MemorySegment convert(MemorySegment floats, DType target, Tensor tensor, Arena to) {
    long n = tensor.elements();
    if (target == DType.F32) {
      return floats;
    }
    var result = to.allocate(target.byteSize(n), 64);
    if (target == DType.F16) {
      for (long i = 0; i < n; i++) {
        result.setAtIndex(JAVA_SHORT, i, Float.floatToFloat16(floats.getAtIndex(JAVA_FLOAT, i)));
      }
    } else if (target == DType.BF16) {
      for (long i = 0; i < n; i++) {
        result.setAtIndex(JAVA_SHORT, i, toBfloat16(floats.getAtIndex(JAVA_FLOAT, i)));
      }
    } else if (quantizer != null) {
      quantizer.quantize(floats, n / tensor.ne(0), tensor.ne(0), result);
    }
    return result;
  }

  /** Rounded to the nearest, ties to even, as PyTorch and ggml do; a NaN stays one. */
  static short toBfloat16(float value) {
    int bits = Float.floatToRawIntBits(value);
    if (Float.isNaN(value)) {
      return (short) ((bits >>> 16) | 64);
    }
    return (short) ((bits + 0x7FFF + ((bits >>> 16) & 1)) >>> 16);
  }

  @Override
  public void close() {
    if (arena != null) {
      arena.close();
      arena = null;
    }
  }
}
