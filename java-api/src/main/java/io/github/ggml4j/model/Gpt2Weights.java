package io.github.ggml4j.model;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;

import io.github.ggml4j.format.ModelFormatException;
import io.github.ggml4j.format.ParameterNames;
import io.github.ggml4j.model.internal.HostFloats;
import io.github.ggml4j.model.internal.WeightLayout;
import io.github.ggml4j.tensor.DType;
import io.github.ggml4j.tensor.Device;
import io.github.ggml4j.tensor.Graph;
import io.github.ggml4j.tensor.NonFinite;
import io.github.ggml4j.tensor.Parameter;
import io.github.ggml4j.tensor.Quantizer;
import io.github.ggml4j.tensor.Tensor;
import io.github.ggml4j.tensor.TensorStore;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.random.RandomGeneratorFactory;
import org.jspecify.annotations.Nullable;

/**
 * The weights of a model on a device.
 *
 * <p><b>Memory management.</b> Owns its store and, when weights are used where a file is mapped,
 * that mapping.
 */
final class Gpt2Weights implements AutoCloseable {
  /** Attention and MLP: each layer adds two branches to the residual stream. */
  private static final double RESIDUAL_BRANCHES = 2;

  private final TensorStore store;
  private final @Nullable AutoCloseable mapping;
  private final Map<String, Tensor> tensors;
  private final @Nullable Tensor flat;
  private final Gpt2 network;

  private Gpt2Weights(
      Gpt2Config config,
      TensorStore store,
      @Nullable AutoCloseable mapping,
      Map<String, Tensor> tensors,
      @Nullable Tensor flat) {
    this.store = store;
    this.mapping = mapping;
    this.tensors = Collections.unmodifiableMap(tensors);
    this.flat = flat;
    this.network = new Gpt2(config, name -> new Parameter(name, tensor(name), null));
  }

  /** The network over these weights, without gradients. */
  Gpt2 network() {
    return network;
  }

  /** The weight of a name. */
  Tensor tensor(String name) {
    var tensor = tensors.get(name);
    if (tensor == null) {
      throw new IllegalArgumentException("There is no parameter " + name);
    }
    return tensor;
  }

  /** All weights by name. */
  Map<String, Tensor> tensors() {
    return tensors;
  }

  /** All weights as one F32 vector; null if they are not in one vector. */
  @Nullable Tensor flat() {
    return flat;
  }

  /** Bytes of all weights, mapped ones included. */
  long bytes() {
    return tensors.values().stream().mapToLong(Tensor::bytes).sum();
  }

  /** Bytes of the device's memory that they take. */
  long allocatedBytes() {
    return store.bytes();
  }

  /**
   * Loads the weights of a file. If the device shares the host's memory, weights in a layout that
   * ggml reads are used in place. The others are copied; linear weights of Hugging Face folders are
   * transposed.
   *
   * @param source owned by the result if a weight is used in place, else closed
   * @throws ModelFormatException if the device cannot compute with the type of a weight, or a
   *     weight is NaN or infinite
   */
  static Gpt2Weights load(Gpt2Config config, WeightSource source, Device device, String origin) {
    var shapes = WeightSpec.of(config);
    var store = new TensorStore(device, "the weights of " + origin, shapes.size());
    var tensors = new LinkedHashMap<String, Tensor>();
    var copies = new ArrayList<Runnable>();
    boolean mapped = false;
    try {
      for (var shape : shapes) {
        var info = source.info(shape.name());
        checkType(shape, info, device, origin);
        var data = source.data(shape.name());
        checkFinite(data, info, device, origin);
        boolean inPlace =
            device.sharesHostMemory()
                && !info.transposed()
                && info.dtype() != DType.F64
                && (shape.isMatrix() || info.dtype() == DType.F32)
                && data.address() % Math.min(info.dtype().bytesPerBlock(), 4) == 0;
        if (inPlace) {
          tensors.put(shape.name(), store.map(data, info.dtype(), shape.shape()));
          mapped = true;
        } else {
          boolean keeps = shape.isMatrix() && info.dtype() != DType.F64;
          var tensor = store.add(keeps ? info.dtype() : DType.F32, shape.shape());
          tensors.put(shape.name(), tensor);
          copies.add(() -> copy(data, info, tensor, device));
        }
      }
      store.allocate();
      copies.forEach(Runnable::run);
      if (!mapped) {
        source.close();
      }
      return new Gpt2Weights(config, store, mapped ? source : null, tensors, null);
    } catch (RuntimeException | Error e) {
      store.close();
      source.close();
      throw e;
    }
  }

  private static void checkType(WeightSpec shape, WeightInfo info, Device device, String origin) {
    var type = info.dtype();
    boolean simple = type.isFloat(); // F64 becomes F32
    boolean usable =
        shape.isMatrix()
            ? simple
                || (device.computes(type)
                    && !info.transposed()
                    && shape.shape()[1] % type.blockSize() == 0)
            : simple;
    if (!usable) {
      throw new ModelFormatException(
          origin
              + ": tensor "
              + shape.name()
              + " is of type "
              + type
              + ", which cannot be computed with here; expected F32, F16, BF16, F64"
              + (shape.isMatrix() ? " or a quantized type with rows of whole blocks" : "")
              + ". Convert the file to one of these.");
    }
  }

  /**
   * Fails if a weight is NaN or infinite. The logits do not always show it: a ReLU hides NaN, and
   * so do activations of 8 bits. The check is one pass over memory that the first graph reads
   * anyway.
   */
  private static void checkFinite(
      MemorySegment data, WeightInfo info, Device device, String origin) {
    long first =
        info.dtype() == DType.F64
            ? WeightLayout.firstBeyondFloat32(data)
            : NonFinite.first(data, info.dtype(), device.threads());
    if (first >= 0) {
      throw ModelFormatException.of(
          origin,
          info.name()
              + " has a weight that is NaN or infinite, "
              + (info.dtype().isQuantized() ? "in the block that begins at " : "at ")
              + Arrays.toString(position(first, info.shape()))
              + " of its shape "
              + Arrays.toString(info.shape()),
          "finite numbers",
          "The file is damaged, or its weights overflowed in training or when it was converted: get"
              + " it again, or convert it again from a copy in F32.");
    }
  }

  private static long[] position(long index, long[] shape) {
    var position = new long[shape.length];
    for (int i = shape.length - 1; i >= 0; i--) {
      position[i] = index % shape[i];
      index /= shape[i];
    }
    return position;
  }

  private static void copy(MemorySegment data, WeightInfo info, Tensor target, Device device) {
    try (var arena = Arena.ofConfined()) {
      var elements = data;
      if (target.type() != info.dtype()) {
        elements = WeightLayout.toFloat32(data, info.dtype(), arena);
      } else if (data.address() % target.type().bytesPerBlock() != 0 && info.transposed()) {
        elements =
            arena.allocate(data.byteSize(), 64).copyFrom(data); // the native code needs it aligned
      }
      if (info.transposed()) {
        target.setTransposed(elements, device.threads());
      } else {
        target.set(elements);
      }
    }
  }

  /**
   * New weights, initialized as GPT-2's: normal with deviation {@code initializer_range}, output
   * projections of the residual branches scaled by {@code 1 / sqrt(2 nLayer)}, biases 0, LayerNorm
   * weights 1.
   */
  static Gpt2Weights random(Gpt2Config config, Device device, long seed) {
    var weights = flat(config, FlatLayout.of(config), device, "new weights");
    var shapes = WeightSpec.of(config);
    try (var arena = Arena.ofConfined()) {
      for (int i = 0; i < shapes.size(); i++) {
        var shape = shapes.get(i);
        int n = Math.toIntExact(shape.elements());
        double deviation = config.initializerRange();
        if (shape.name().endsWith("c_proj.weight")) {
          deviation /= Math.sqrt(RESIDUAL_BRANCHES * config.nLayer());
        }
        boolean norm = shape.name().contains("ln_") && shape.name().endsWith("weight");
        var values = arena.allocate(4L * n, 4);
        var generator = RandomGeneratorFactory.of("L64X128MixRandom").create(seed * 1_000_003 + i);
        for (int j = 0; j < n; j++) {
          double value = shape.isMatrix() ? generator.nextGaussian() * deviation : norm ? 1 : 0;
          values.set(JAVA_FLOAT_UNALIGNED, 4L * j, (float) value);
        }
        weights.tensor(shape.name()).set(values);
      }
      return weights;
    } catch (RuntimeException | Error e) {
      weights.close();
      throw e;
    }
  }

  /** Copies the weights to one F32 vector, matrices first, for training. */
  Gpt2Weights toFlat(Gpt2Config config, FlatLayout layout, Device device) {
    var copy = flat(config, layout, device, "the weights in training");
    try (var graph = Graph.forward(device, 2 * tensors.size() + 8)) {
      for (var entry : tensors.entrySet()) {
        var target = copy.tensor(entry.getKey());
        if (entry.getValue().type().isQuantized() && !device.sharesHostMemory()) {
          try (var arena = Arena.ofConfined()) {
            var floats = arena.allocate(target.bytes(), 64);
            HostFloats.of(entry.getValue(), floats);
            target.set(floats);
          }
        } else {
          graph.copyInto(entry.getValue(), target);
        }
      }
      graph.build().compute();
      return copy;
    } catch (RuntimeException | Error e) {
      copy.close();
      throw e;
    }
  }

  /**
   * These weights with those that an adapter changes replaced by the sum, in their types. The
   * result uses the other weights where they are, so that these weights must be closed after it.
   */
  Gpt2Weights merged(Gpt2Config config, LoraAdapter adapter, Device device) {
    var store = new TensorStore(device, "merged weights", tensors.size());
    try {
      var all = new LinkedHashMap<>(tensors);
      var sums = new ArrayList<Runnable>();
      for (var module : adapter.modules()) {
        var name = ParameterNames.weight(module);
        var weight = tensor(name);
        if (weight.type().isQuantized() && !canQuantize(weight.type())) {
          throw new IllegalArgumentException(
              name
                  + " is of type "
                  + weight.type()
                  + ", which needs an importance matrix; merge the adapter into a model in F32, F16"
                  + " or BF16");
        }
        var target = store.add(weight.type(), weight.shape());
        all.put(name, target);
        sums.add(() -> {
          try (var arena = Arena.ofShared()) {
            target.set(sum(weight, adapter, module, device, arena));
          }
        });
      }
      store.allocate();
      sums.forEach(Runnable::run);
      return new Gpt2Weights(config, store, null, all, null);
    } catch (RuntimeException | Error e) {
      store.close();
      throw e;
    }
  }

  private static boolean canQuantize(DType type) {
    return Quantizer.writes(type) && !Quantizer.needsImportance(type);
  }

  /** {@code W + scaling B A} in the type of W. */
  private static MemorySegment sum(
      Tensor weight, LoraAdapter adapter, String module, Device device, Arena arena) {
    var floats = arena.allocate(4 * weight.elements(), 64);
    HostFloats.of(weight, floats);
    adapter.addTo(module, floats);
    if (weight.type() == DType.F32) {
      return floats;
    }
    var result = arena.allocate(weight.bytes(), 64);
    new Quantizer(weight.type())
        .quantize(floats, weight.rows(), weight.columns(), null, result, device.threads());
    return result;
  }

  private static Gpt2Weights flat(
      Gpt2Config config, FlatLayout layout, Device device, String what) {
    var store = new TensorStore(device, what, layout.shapes().size() + 1);
    try {
      var flat = store.add(DType.F32, layout.elements());
      var tensors = layout.views(store, flat);
      store.allocate();
      store.zero();
      return new Gpt2Weights(config, store, null, tensors, flat);
    } catch (RuntimeException | Error e) {
      store.close();
      throw e;
    }
  }

  @Override
  public void close() {
    store.close();
    if (mapping != null) {
      try {
        mapping.close();
      } catch (Exception e) {
        throw new IllegalStateException("Could not close the mapped model file", e);
      }
    }
  }
}
