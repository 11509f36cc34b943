package io.github.ggml4j.model;

import io.github.ggml4j.error.InvalidArgumentException;
import io.github.ggml4j.tensor.Device;
import io.github.ggml4j.tensor.Parameter;
import io.github.ggml4j.tensor.Tensor;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A GPT-2 language model on a device: configuration and weights.
 *
 * <p>{@code io.Models} loads and saves models; sessions of {@code inference} compute with them.
 *
 * <p>Thread-safe: any number of sessions may use it at once. Its weights do not change, except
 * through a trainer, which changes them between steps; other users then see the newest weights.
 *
 * <p><b>Memory management.</b> Owns its weights and its device. A model cannot be closed while it
 * is in use, see {@link #lease}; closing twice is allowed.
 */
public final class Gpt2Model implements AutoCloseable {
  private final Gpt2Config config;
  private final Device device;
  private final String origin;
  private final GenerationDefaults generation;

  /** How many open leases there are, by their users' names; also the lock of {@link #closed}. */
  private final Map<String, Integer> leases = new TreeMap<>();

  private @Nullable FlatLayout flatLayout;
  private volatile Gpt2Weights weights;

  /** The adapters by name; also the lock of this map. */
  private final Map<String, AdaptedNetwork> adapters = new LinkedHashMap<>();

  /** The weights before {@link #merge}; null if no adapter is merged. */
  private volatile @Nullable Gpt2Weights unmerged;

  private volatile @Nullable String mergedName;
  private volatile boolean closed;

  /** An adapter with the network over some weights. */
  private record AdaptedNetwork(LoraAdapter adapter, Gpt2Weights weights, Gpt2 network) {
    AdaptedNetwork(Gpt2Config config, LoraAdapter adapter, Gpt2Weights weights) {
      this(
          adapter,
          weights,
          new Gpt2(config, name -> new Parameter(name, weights.tensor(name), null), adapter::of));
    }
  }

  private Gpt2Model(
      Gpt2Config config,
      GenerationDefaults generation,
      Device device,
      String origin,
      Gpt2Weights weights) {
    this.config = config;
    this.generation = generation;
    this.device = device;
    this.origin = origin;
    this.weights = weights;
  }

  /**
   * A model with given weights.
   *
   * @param weights become owned by the model
   * @param generation default options of generation
   * @param device becomes owned by the model
   * @param origin where the weights come from, for messages
   * @throws io.github.ggml4j.format.ModelFormatException if the device cannot compute with the type
   *     of a weight, or a weight is NaN or infinite
   */
  public static Gpt2Model of(
      Gpt2Config config,
      WeightSource weights,
      GenerationDefaults generation,
      Device device,
      String origin) {
    try {
      var loaded = Gpt2Weights.load(config, weights, device, origin);
      return new Gpt2Model(config, generation, device, origin, loaded);
    } catch (RuntimeException | Error e) {
      weights.close();
      device.close();
      throw e;
    }
  }

  /**
   * A model with new random weights, initialised as GPT-2 for training.
   *
   * @param device becomes owned by the model
   * @param seed the same seed gives the same weights
   */
  public static Gpt2Model random(Gpt2Config config, Device device, long seed) {
    try {
      var origin = "a new model";
      var generation = GenerationDefaults.of(origin, config.generationConfig());
      var weights = Gpt2Weights.random(config, device, seed);
      return new Gpt2Model(config, generation, device, origin, weights);
    } catch (RuntimeException | Error e) {
      device.close();
      throw e;
    }
  }

  /** The configuration; prints as Hugging Face's {@code config.json}. */
  public Gpt2Config config() {
    return config;
  }

  /**
   * The ids that end a text, as in transformers: those of {@code generation_config.json} if the
   * model has one, none if it names none; else those of the configuration.
   */
  public List<Integer> eosTokenIds() {
    return generation.eosTokenIds();
  }

  /**
   * The id that a text without a prompt starts from, from the same place as {@link #eosTokenIds};
   * null if there is none.
   */
  public @Nullable Integer bosTokenId() {
    return generation.bosTokenId();
  }

  /**
   * Default options of generation, by Hugging Face's names: {@code generation_config.json}, of a
   * folder or inside a GGUF file, or else the options in {@code config.json}, where older models
   * have them.
   */
  public Map<String, @Nullable Object> generationConfig() {
    return generation.options();
  }

  /** The path it was loaded from, for messages. */
  public String origin() {
    return origin;
  }

  /** The device that holds the weights. */
  public Device device() {
    return device;
  }

  /**
   * The tree of modules as PyTorch prints it, with shapes and number of parameters of each layer,
   * the total number, and the bytes of the weights.
   */
  public String summary() {
    checkOpen();
    return ModelSummary.of(config, weights.tensors(), weights.bytes(), device);
  }

  /** Number of parameters; tied ones count once. */
  public long parameterCount() {
    return WeightSpec.of(config).stream().mapToLong(WeightSpec::elements).sum();
  }

  /**
   * Bytes of the device's memory that the weights take; weights used in a mapped file take none.
   */
  public long allocatedBytes() {
    checkOpen();
    var base = unmerged;
    return weights.allocatedBytes() + (base == null ? 0 : base.allocatedBytes());
  }

  /**
   * The network over the current weights, without gradients. A training replaces the network once,
   * when it makes the weights trainable: graphs of the old one must then be built again.
   *
   * @throws IllegalStateException after {@link #close}
   */
  public Gpt2 network() {
    checkOpen();
    return weights.network();
  }

  /**
   * The network with an adapter.
   *
   * @param adapter name of the adapter; null for none
   * @throws InvalidArgumentException if there is no such adapter, or one is merged
   * @throws IllegalStateException after {@link #close}
   */
  public Gpt2 network(@Nullable String adapter) {
    if (adapter == null) {
      return network();
    }
    synchronized (adapters) {
      checkOpen();
      var known = known(adapter);
      if (mergedName != null) {
        throw new InvalidArgumentException(
            "adapter",
            adapter,
            "none while adapter " + mergedName + " is merged",
            "Call unmerge first.");
      }
      if (known.weights != weights) {
        known = new AdaptedNetwork(config, known.adapter, weights);
        adapters.put(adapter, known);
      }
      return known.network;
    }
  }

  private AdaptedNetwork known(String adapter) {
    var known = adapters.get(adapter);
    if (known == null) {
      throw new InvalidArgumentException(
          "adapter",
          adapter,
          adapters.isEmpty()
              ? "none, since the model has no adapters"
              : "one of " + String.join(", ", adapters.keySet()),
          "Add it with Gpt2Model.addAdapter.");
    }
    return known;
  }

  /**
   * Adds an adapter. The network without adapter does not change.
   *
   * @param name by which it is chosen, as in {@code GenerationConfig.adapter}
   * @param adapter made for this model; becomes owned by it
   * @throws InvalidArgumentException if the name is empty or taken, or the adapter is another
   *     model's
   */
  public void addAdapter(String name, LoraAdapter adapter) {
    synchronized (adapters) {
      checkOpen();
      if (name.isEmpty() || adapters.containsKey(name)) {
        throw new InvalidArgumentException(
            "name", name, "a name that no other adapter of the model has");
      }
      adapter.checkMadeFor(this);
      adapters.put(name, new AdaptedNetwork(config, adapter, weights));
    }
  }

  /**
   * Removes and closes an adapter. Sessions that use it must be closed before.
   *
   * @throws InvalidArgumentException if there is no such adapter, or it is merged
   */
  public void removeAdapter(String name) {
    AdaptedNetwork known;
    synchronized (adapters) {
      checkOpen();
      known = known(name);
      if (name.equals(mergedName)) {
        throw new InvalidArgumentException(
            "name", name, "an adapter that is not merged", "Call unmerge first.");
      }
      adapters.remove(name);
    }
    known.adapter.close();
  }

  /** The adapters by name, in the order in which they were added. */
  public Map<String, LoraAdapter> adapters() {
    synchronized (adapters) {
      checkOpen();
      var result = new LinkedHashMap<String, LoraAdapter>();
      adapters.forEach((name, known) -> result.put(name, known.adapter));
      return Collections.unmodifiableMap(result);
    }
  }

  /**
   * Adds an adapter to the weights: {@code W + scaling B A}, computed in F32 and stored in the type
   * of W. The old weights are kept for {@link #unmerge}. Not during a training.
   *
   * @throws InvalidArgumentException if there is no such adapter, or one is merged already
   * @throws IllegalArgumentException if a weight has a quantized type that cannot be written
   */
  public void merge(String adapter) {
    device.exclusively(() -> {
      synchronized (adapters) {
        checkOpen();
        var known = known(adapter);
        if (mergedName != null) {
          throw new InvalidArgumentException(
              "adapter",
              adapter,
              "none while adapter " + mergedName + " is merged",
              "Call unmerge first.");
        }
        var base = weights;
        weights = base.merged(config, known.adapter, device);
        unmerged = base;
        mergedName = adapter;
      }
      return null;
    });
  }

  /**
   * Restores the weights before {@link #merge}, with the same bits. Does nothing if no adapter is
   * merged.
   */
  public void unmerge() {
    device.exclusively(() -> {
      synchronized (adapters) {
        checkOpen();
        var base = unmerged;
        if (base != null) {
          var merged = weights;
          weights = base;
          unmerged = null;
          mergedName = null;
          merged.close();
        }
      }
      return null;
    });
  }

  /** The weights by Hugging Face's names, linear weights as {@code (out, in)}; for reading. */
  public Map<String, Tensor> tensors() {
    checkOpen();
    return weights.tensors();
  }

  /** The layout of {@link #trainableWeights}; computed at the first call. */
  public synchronized FlatLayout flatLayout() {
    var known = flatLayout;
    if (known == null) {
      known = FlatLayout.of(config);
      flatLayout = known;
    }
    return known;
  }

  /**
   * Makes the weights trainable: converts them to F32 in one vector, which all trainers and
   * sessions then share. Does nothing if they are trainable already.
   *
   * @return that vector in the order of {@link #flatLayout}
   * @throws IllegalStateException if an adapter is merged
   */
  public Tensor trainableWeights() {
    return device.exclusively(() -> {
      checkOpen();
      if (mergedName != null) {
        throw new IllegalStateException(
            "Adapter "
                + mergedName
                + " is merged into the weights; call unmerge before a training");
      }
      var flat = weights.flat();
      if (flat == null) {
        var old = weights;
        weights = old.toFlat(config, flatLayout(), device);
        old.close();
        flat = weights.flat();
      }
      if (flat == null) {
        throw new IllegalStateException("Trainable weights are one vector");
      }
      return flat;
    });
  }

  /**
   * Marks the model as in use: it cannot be closed before the lease is.
   *
   * @param user who uses it, in the singular, such as {@code "inference session"}; named in the
   *     error of {@link #close}
   * @throws IllegalStateException after {@link #close}
   */
  public ModelLease lease(String user) {
    synchronized (leases) {
      checkOpen();
      leases.merge(user, 1, Integer::sum);
    }
    return new ModelLease(() -> release(user));
  }

  private void release(String user) {
    synchronized (leases) {
      leases.computeIfPresent(user, (_, count) -> count == 1 ? null : (Integer) (count - 1));
    }
  }

  private void checkOpen() {
    if (closed) {
      throw new IllegalStateException("Already closed: model " + origin);
    }
  }

  /**
   * Frees the weights and closes the device.
   *
   * @throws IllegalStateException if the model is in use; the message says by what
   */
  @Override
  public void close() {
    device.betweenComputations(() -> {
      synchronized (leases) {
        if (closed) {
          return;
        }
        if (!leases.isEmpty()) {
          throw new IllegalStateException(
              "Model "
                  + origin
                  + " is in use by "
                  + users()
                  + "; wait until that ends, or close it, before closing the model");
        }
        closed = true;
      }
      adapters.values().forEach(known -> known.adapter.close());
      weights.close();
      var base = unmerged;
      if (base != null) {
        base.close();
      }
    });
    device.close();
  }

  private String users() {
    return leases.entrySet().stream()
        .map(e -> e.getValue() + " " + e.getKey() + (e.getValue() == 1 ? "" : "s"))
        .collect(Collectors.joining(" and "));
  }

  @Override
  public String toString() {
    return "Gpt2Model[" + origin + " on " + device + "]";
  }
}
