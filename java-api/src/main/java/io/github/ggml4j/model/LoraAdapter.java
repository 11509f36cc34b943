package io.github.ggml4j.model;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;

import io.github.ggml4j.error.InvalidArgumentException;
import io.github.ggml4j.format.ParameterNames;
import io.github.ggml4j.nn.Lora;
import io.github.ggml4j.tensor.DType;
import io.github.ggml4j.tensor.Device;
import io.github.ggml4j.tensor.Parameter;
import io.github.ggml4j.tensor.Tensor;
import io.github.ggml4j.tensor.TensorStore;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGeneratorFactory;
import org.jspecify.annotations.Nullable;

/**
 * A LoRA adapter of a model: for each adapted module the matrices A {@code (r, in)} and B {@code
 * (out, r)} in F32.
 *
 * <p>Thread-safe. <b>Memory management.</b> Owns the matrices. {@link Gpt2Model#addAdapter} passes
 * the ownership to the model. Close it before the model otherwise.
 */
public final class LoraAdapter implements AutoCloseable {
  /** Gives the elements of the matrices. */
  @FunctionalInterface
  public interface Values {
    /**
     * The elements of a matrix.
     *
     * @param name such as {@code h.0.attn.c_attn.lora_A.weight}
     * @param shape its shape
     * @return F32, row-major, native memory
     */
    MemorySegment of(String name, long... shape);
  }

  private final LoraConfig config;
  private final Gpt2Config modelConfig;
  private final Device device;
  private final TensorStore store;
  private final Map<String, Lora> modules = new LinkedHashMap<>();

  /** The shape of each matrix, which a tensor of one row does not have. */
  private final Map<String, List<Long>> shapes = new LinkedHashMap<>();

  private LoraAdapter(LoraConfig config, Gpt2Model model) {
    this.config = config;
    this.modelConfig = model.config();
    this.device = model.device();
    var names = config.modules(modelConfig);
    this.store = new TensorStore(device, "an adapter", 2 * names.size());
    var specs = new LinkedHashMap<String, WeightSpec>();
    WeightSpec.of(modelConfig).forEach(spec -> specs.put(spec.name(), spec));
    try {
      for (var module : names) {
        var spec = specs.get(ParameterNames.weight(module));
        if (spec == null) {
          throw new IllegalStateException("There is no module " + module);
        }
        long rank = config.rankOf(module);
        modules.put(
            module,
            new Lora(
                parameter(nameOfA(module), rank, spec.columns()),
                parameter(nameOfB(module), spec.shape()[0], rank),
                config.scalingOf(module)));
      }
      store.allocate();
    } catch (RuntimeException | Error e) {
      store.close();
      throw e;
    }
  }

  private Parameter parameter(String name, long rows, long columns) {
    shapes.put(name, List.of(rows, columns));
    return new Parameter(name, store.add(DType.F32, rows, columns), null);
  }

  private static String nameOfA(String module) {
    return module + ".lora_A.weight";
  }

  private static String nameOfB(String module) {
    return module + ".lora_B.weight";
  }

  /**
   * An adapter with given matrices.
   *
   * @param model whose modules are adapted
   * @param values called once for each matrix
   * @throws InvalidArgumentException if the targets do not fit the model
   */
  public static LoraAdapter of(LoraConfig config, Gpt2Model model, Values values) {
    var adapter = new LoraAdapter(config, model);
    try {
      adapter.tensors().forEach((name, tensor) -> tensor.set(values.of(name, adapter.shape(name))));
      return adapter;
    } catch (RuntimeException | Error e) {
      adapter.close();
      throw e;
    }
  }

  /**
   * A new adapter that does not change the model, initialised as PEFT's: A uniform within {@code 1
   * / sqrt(in)}, B zero.
   *
   * @param seed the same seed gives the same adapter
   * @throws InvalidArgumentException if the targets do not fit the model
   */
  public static LoraAdapter create(LoraConfig config, Gpt2Model model, long seed) {
    var random = RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
    var adapter = new LoraAdapter(config, model);
    adapter.store.zero();
    for (var lora : adapter.modules.values()) {
      var a = lora.a().value();
      float bound = (float) (1 / Math.sqrt((double) a.columns()));
      var values = new float[Math.toIntExact(a.elements())];
      for (int i = 0; i < values.length; i++) {
        values[i] = bound * (2 * random.nextFloat() - 1);
      }
      a.setFloats(values);
    }
    return adapter;
  }

  /** The options. */
  public LoraConfig config() {
    return config;
  }

  /** The adapted modules in the order of the model, such as {@code h.0.attn.c_attn}. */
  public List<String> modules() {
    return List.copyOf(modules.keySet());
  }

  /** What is added to a module; null if it is not adapted. */
  public @Nullable Lora of(String module) {
    return modules.get(module);
  }

  /** The matrices by name, A before B of each module; for reading. */
  public Map<String, Tensor> tensors() {
    var tensors = new LinkedHashMap<String, Tensor>();
    modules.forEach((module, lora) -> {
      tensors.put(nameOfA(module), lora.a().value());
      tensors.put(nameOfB(module), lora.b().value());
    });
    return tensors;
  }

  /**
   * The shape of a matrix.
   *
   * @param name one of {@link #tensors}
   * @return {@code (r, in)} or {@code (out, r)}
   * @throws IllegalArgumentException if there is no such matrix
   */
  public long[] shape(String name) {
    var shape = shapes.get(name);
    if (shape == null) {
      throw new IllegalArgumentException("The adapter has no matrix " + name);
    }
    return shape.stream().mapToLong(Long::longValue).toArray();
  }

  /** The number of parameters. */
  public long parameterCount() {
    return tensors().values().stream().mapToLong(Tensor::elements).sum();
  }

  void checkMadeFor(Gpt2Model model) {
    if (model.device() != device || !model.config().equals(modelConfig)) {
      throw new InvalidArgumentException(
          "adapter", "of another model", "one that was made for this model");
    }
  }

  /**
   * Adds {@code scaling B A} to the weight of a module.
   *
   * @param weight {@code (out, in)} F32
   */
  void addTo(String module, MemorySegment weight) {
    var lora = modules.get(module);
    if (lora == null) {
      throw new IllegalArgumentException("Module " + module + " is not adapted");
    }
    int in = (int) lora.a().value().columns();
    int out = (int) lora.b().value().rows();
    int rank = (int) lora.a().value().rows();
    float[] a = lora.a().value().toFloats();
    float[] b = lora.b().value().toFloats();
    var sum = new float[in];
    for (int row = 0; row < out; row++) {
      Arrays.fill(sum, 0);
      for (int k = 0; k < rank; k++) {
        float factor = b[row * rank + k];
        for (int i = 0; i < in; i++) {
          sum[i] += factor * a[k * in + i];
        }
      }
      for (int i = 0; i < in; i++) {
        long at = 4L * ((long) row * in + i);
        weight.set(
            JAVA_FLOAT_UNALIGNED,
            at,
            weight.get(JAVA_FLOAT_UNALIGNED, at) + lora.scaling() * sum[i]);
      }
    }
  }

  @Override
  public void close() {
    store.close();
  }
}
