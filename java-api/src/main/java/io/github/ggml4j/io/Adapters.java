package io.github.ggml4j.io;

import io.github.ggml4j.error.InvalidArgumentException;
import io.github.ggml4j.format.ModelFormatException;
import io.github.ggml4j.format.internal.AtomicFiles;
import io.github.ggml4j.format.internal.Json;
import io.github.ggml4j.format.internal.PythonJson;
import io.github.ggml4j.format.safetensors.SafetensorsFile;
import io.github.ggml4j.format.safetensors.SafetensorsWriter;
import io.github.ggml4j.model.Gpt2Model;
import io.github.ggml4j.model.LoraAdapter;
import io.github.ggml4j.model.LoraConfig;
import io.github.ggml4j.model.internal.WeightLayout;
import io.github.ggml4j.tensor.DType;
import io.github.ggml4j.tensor.NonFinite;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Reads and writes LoRA adapters as PEFT does: a folder with {@code adapter_config.json} and {@code
 * adapter_model.safetensors}.
 */
public final class Adapters {
  static final String CONFIG = "adapter_config.json";
  static final String WEIGHTS = "adapter_model.safetensors";

  private static final String PREFIX = "base_model.model.";
  private static final String TRANSFORMER = "transformer.";

  /** Options that are read. */
  private static final Set<String> READ =
      Set.of(
          "peft_type",
          "r",
          "lora_alpha",
          "lora_dropout",
          "target_modules",
          "exclude_modules",
          "layers_to_transform",
          "use_rslora",
          "rank_pattern",
          "alpha_pattern",
          "bias",
          "task_type",
          "init_lora_weights");

  /** Options without an effect on the result of an adapter that PEFT has saved. */
  private static final Set<String> WITHOUT_EFFECT =
      Set.of(
          "auto_mapping",
          "base_model_name_or_path",
          "ensure_weight_tying",
          "fan_in_fan_out",
          "inference_mode",
          "megatron_core",
          "peft_version",
          "qalora_group_size",
          "revision",
          "runtime_config");

  /** Initialisations that leave the weights of the model as they are. */
  private static final Set<Object> INITIALISATIONS =
      Set.of(true, false, "gaussian", "eva", "orthogonal");

  private Adapters() {}

  /**
   * Whether a folder has an adapter.
   *
   * @param folder a folder; a file or a missing path gives false
   */
  public static boolean isIn(Path folder) {
    return Files.exists(folder.resolve(CONFIG));
  }

  /**
   * Reads an adapter for a model. Add it with {@link Gpt2Model#addAdapter}.
   *
   * @param folder as PEFT's {@code save_pretrained} writes it
   * @throws ModelFormatException if a file is missing or damaged, the adapter does not fit the
   *     model, or has an option that is not supported; the message names it
   */
  public static LoraAdapter load(Path folder, Gpt2Model model) {
    Path config = folder.resolve(CONFIG);
    if (!Files.exists(config)) {
      throw ModelFormatException.of(
          folder.toString(),
          "has no " + CONFIG,
          "an adapter as PEFT writes it",
          "Give the folder that contains " + CONFIG + " and " + WEIGHTS + ".");
    }
    Options read = new Options(config, Json.readObject(config));
    Path weights = folder.resolve(WEIGHTS);
    if (!Files.exists(weights)) {
      throw ModelFormatException.of(
          folder.toString(),
          "has no " + WEIGHTS,
          "the weights of the adapter",
          "Save the adapter with PEFT's save_pretrained, which writes this file.");
    }
    try (SafetensorsFile file = SafetensorsFile.open(weights);
        Arena arena = Arena.ofConfined()) {
      LoraConfig options = read.config();
      Set<String> unused = new TreeSet<>(file.tensors().keySet());
      LoraAdapter adapter =
          LoraAdapter.of(
              options,
              model,
              (name, shape) -> {
                String stored = storedName(file, name);
                unused.remove(stored);
                return matrix(file, weights, stored, shape, arena, model.device().threads());
              });
      if (!unused.isEmpty()) {
        adapter.close();
        throw ModelFormatException.of(
            weights.toString(),
            "has the tensor " + unused.iterator().next(),
            "only those of the modules that " + CONFIG + " names for this model",
            "Check that the adapter was made for this model.");
      }
      return adapter;
    } catch (InvalidArgumentException e) {
      throw new ModelFormatException(config + ": " + e.getMessage(), e);
    }
  }

  /** Adapters of {@code GPT2Model}, without a head, have names without {@code transformer.}. */
  private static String storedName(SafetensorsFile file, String name) {
    String full = PREFIX + TRANSFORMER + name;
    return !file.tensors().containsKey(full) && file.tensors().containsKey(PREFIX + name)
        ? PREFIX + name
        : full;
  }

  private static MemorySegment matrix(
      SafetensorsFile file, Path path, String name, long[] shape, Arena arena, int threads) {
    var entry = file.tensors().get(name);
    String remedy = "Check that the adapter was made for this model.";
    if (entry == null) {
      throw ModelFormatException.of(path.toString(), "has no tensor " + name, "it", remedy);
    }
    if (!Arrays.equals(entry.shape(), shape)) {
      throw ModelFormatException.of(
          path.toString(),
          name + " has shape " + Arrays.toString(entry.shape()),
          Arrays.toString(shape),
          remedy);
    }
    if (!entry.dtype().isFloat()) {
      throw ModelFormatException.of(
          path.toString(), name + " has type " + entry.dtype(), "F32, F16, BF16 or F64", remedy);
    }
    MemorySegment data = file.data(name);
    MemorySegment floats =
        arena
            .allocate(4 * entry.byteSize() / entry.dtype().bytesPerBlock(), 64)
            .copyFrom(WeightLayout.toFloat32(data, entry.dtype(), arena));
    long first = NonFinite.first(floats, DType.F32, threads);
    if (first >= 0) {
      throw ModelFormatException.of(
          path.toString(),
          name + " is NaN or infinite at element " + first,
          "finite numbers",
          "The file is damaged, or the training diverged.");
    }
    return floats;
  }

  /** {@link #save(LoraAdapter, Path, String)} without the name of a model. */
  public static void save(LoraAdapter adapter, Path folder) {
    save(adapter, folder, null);
  }

  /**
   * Writes an adapter so that PEFT's {@code PeftModel.from_pretrained} loads it. Either both files
   * are replaced or none.
   *
   * @param folder created if it does not exist
   * @param baseModel name or path of the model that the adapter is for, {@code
   *     base_model_name_or_path}; null for none
   * @throws java.io.UncheckedIOException if a file cannot be written
   */
  public static void save(LoraAdapter adapter, Path folder, @Nullable String baseModel) {
    try (AtomicFiles files = new AtomicFiles();
        Arena arena = Arena.ofConfined()) {
      Files.createDirectories(folder);
      byte[] config =
          PythonJson.write(options(adapter.config(), baseModel)).getBytes(StandardCharsets.UTF_8);
      SafetensorsWriter writer = new SafetensorsWriter().metadata("format", "pt");
      adapter
          .tensors()
          .forEach((name, tensor) ->
              writer.add(
                  PREFIX + TRANSFORMER + name,
                  DType.F32,
                  adapter.shape(name),
                  () -> {
                    MemorySegment bytes = arena.allocate(tensor.bytes(), 64);
                    tensor.get(bytes, 0, bytes.byteSize());
                    return bytes;
                  }));
      files.stage(folder.resolve(CONFIG), out -> out.write(config));
      files.stage(folder.resolve(WEIGHTS), out -> writer.writeTo(out.channel()));
      files.commit();
    } catch (IOException e) {
      throw AtomicFiles.cannotWrite(folder, e);
    }
  }

  private static Map<String, @Nullable Object> options(
      LoraConfig config, @Nullable String baseModel) {
    Map<String, @Nullable Object> options = new TreeMap<>();
    options.put("alpha_pattern", config.alphaPattern());
    options.put("auto_mapping", null);
    options.put("base_model_name_or_path", baseModel);
    options.put("bias", "none");
    options.put("exclude_modules", orNull(config.excludeModules()));
    options.put("fan_in_fan_out", true);
    options.put("inference_mode", true);
    options.put("init_lora_weights", true);
    options.put("layers_to_transform", orNull(config.layersToTransform()));
    options.put("lora_alpha", number(config.alpha()));
    options.put("lora_dropout", config.dropout());
    options.put("modules_to_save", null);
    options.put("peft_type", "LORA");
    options.put("r", config.r());
    options.put("rank_pattern", config.rankPattern());
    options.put("revision", null);
    options.put(
        "target_modules",
        config.targetPattern() == null ? config.targetModules() : config.targetPattern());
    options.put("task_type", "CAUSAL_LM");
    options.put("use_dora", false);
    options.put("use_rslora", config.useRslora());
    return options;
  }

  private static @Nullable Object orNull(List<?> list) {
    return list.isEmpty() ? null : list;
  }

  /** A whole number without a fraction, as PEFT writes it. */
  private static Object number(double value) {
    return value == Math.rint(value) && value < Integer.MAX_VALUE
        ? (Object) (int) value
        : (Object) value;
  }

  /** The members of {@code adapter_config.json}. */
  private record Options(Path file, Map<String, @Nullable Object> options) {
    LoraConfig config() {
      if (!"LORA".equals(options.get("peft_type"))) {
        throw bad("peft_type", "\"LORA\"", "Only LoRA adapters are supported.");
      }
      if (!options.containsKey("bias") || !"none".equals(options.get("bias"))) {
        throw bad("bias", "\"none\"", "Trained biases are not supported.");
      }
      Object task = options.get("task_type");
      if (task != null && !task.equals("CAUSAL_LM")) {
        throw bad("task_type", "\"CAUSAL_LM\"", "Only language models are supported.");
      }
      Object init = options.get("init_lora_weights");
      if (init != null && !INITIALISATIONS.contains(init)) {
        throw bad(
            "init_lora_weights",
            "true",
            "This initialisation changes the weights of the model. Convert the adapter with PEFT"
                + " (save_pretrained with path_initial_model_for_weight_conversion).");
      }
      options.forEach((name, value) -> {
        if (!READ.contains(name) && !WITHOUT_EFFECT.contains(name) && isSet(value)) {
          throw bad(name, "no value", "This option of PEFT is not supported.");
        }
      });
      Object targets = options.get("target_modules");
      Object rank = options.get("r");
      Object layers = options.get("layers_to_transform");
      if (!(rank instanceof Number number) || number.doubleValue() != number.intValue()) {
        throw bad("r", "a whole number", "The file is damaged.");
      }
      return new LoraConfig(
          number.intValue(),
          number("lora_alpha", options.get("lora_alpha")),
          options.get("lora_dropout") == null
              ? 0
              : number("lora_dropout", options.get("lora_dropout")),
          targets instanceof String ? List.of() : strings("target_modules"),
          targets instanceof String pattern ? pattern : null,
          options.get("exclude_modules") == null ? List.of() : strings("exclude_modules"),
          layers instanceof Number one ? List.of(one.intValue()) : ints("layers_to_transform"),
          Boolean.TRUE.equals(options.get("use_rslora")),
          patterns("rank_pattern", Number::intValue),
          patterns("alpha_pattern", Number::doubleValue));
    }

    private static boolean isSet(@Nullable Object value) {
      return value != null
          && !value.equals(false)
          && !(value instanceof List<?> list && list.isEmpty())
          && !(value instanceof Map<?, ?> map && map.isEmpty());
    }

    private double number(String name, @Nullable Object value) {
      if (!(value instanceof Number number)) {
        throw bad(name, "a number", "The file is damaged.");
      }
      return number.doubleValue();
    }

    private List<String> strings(String name) {
      List<String> strings = new ArrayList<>();
      if (!(options.get(name) instanceof List<?> list)) {
        throw bad(name, "a list of names", "The file is damaged.");
      }
      for (Object item : list) {
        if (!(item instanceof String string)) {
          throw bad(name, "a list of names", "The file is damaged.");
        }
        strings.add(string);
      }
      return strings;
    }

    private List<Integer> ints(String name) {
      List<Integer> ints = new ArrayList<>();
      if (options.get(name) instanceof List<?> list) {
        for (Object item : list) {
          ints.add((int) number(name, item));
        }
      } else if (options.get(name) != null) {
        throw bad(name, "a list of numbers", "The file is damaged.");
      }
      return ints;
    }

    private <T> Map<String, T> patterns(String name, Function<Number, T> convert) {
      Map<String, T> patterns = new LinkedHashMap<>();
      Object value = options.get(name);
      if (value instanceof Map<?, ?> map) {
        map.forEach((pattern, number) -> {
          if (!(number instanceof Number given)) {
            throw bad(name, "an object of numbers", "The file is damaged.");
          }
          patterns.put(String.valueOf(pattern), convert.apply(given));
        });
      } else if (value != null) {
        throw bad(name, "an object of numbers", "The file is damaged.");
      }
      return patterns;
    }

    private ModelFormatException bad(String name, String expected, String remedy) {
      return ModelFormatException.of(
          file.toString(), name + " is " + options.get(name), expected, remedy);
    }
  }
}
