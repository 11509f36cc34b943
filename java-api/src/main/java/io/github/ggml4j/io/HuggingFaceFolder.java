package io.github.ggml4j.io;

import io.github.ggml4j.format.ModelFormatException;
import io.github.ggml4j.format.internal.Json;
import io.github.ggml4j.format.safetensors.SafetensorsEntry;
import io.github.ggml4j.format.safetensors.SafetensorsFile;
import io.github.ggml4j.format.torch.TorchFile;
import io.github.ggml4j.format.torch.TorchTensor;
import io.github.ggml4j.internal.Names;
import io.github.ggml4j.io.CheckedWeights.LinearLayout;
import io.github.ggml4j.model.Gpt2Config;
import io.github.ggml4j.model.WeightSource;
import io.github.ggml4j.model.WeightSpec;
import io.github.ggml4j.model.internal.GenerationConfigJson;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** The weights of a folder as Hugging Face's {@code save_pretrained} writes it. */
final class HuggingFaceFolder {
  static final String CONFIG = "config.json";
  static final String WEIGHTS = "model.safetensors";
  static final String INDEX = "model.safetensors.index.json";
  static final String TORCH_WEIGHTS = "pytorch_model.bin";
  static final String TORCH_INDEX = "pytorch_model.bin.index.json";
  static final String GENERATION = GenerationConfigJson.FILE;

  private static final Set<String> TOKEN_IDS =
      Set.of("bos_token_id", "eos_token_id", "pad_token_id");

  private static final System.Logger LOG = System.getLogger(HuggingFaceFolder.class.getName());

  private static final String PREFIX = "transformer.";

  /** Weights in unsupported forms, named in the error if there are no others. */
  private static final Pattern OTHER_WEIGHTS =
      Pattern.compile(
          "onnx|coreml|openvino|tf_model\\.h5|adapter_model\\..*"
              + "|.*\\.(onnx|msgpack|ot|tflite|gguf|pt|pth|ckpt)");

  private static final int MAX_SHARDS = 10_000;

  private static final long MAX_TOKENIZER_FILE = 64L << 20;

  /** File names of tokenizers of this kind. */
  static final List<String> TOKENIZER_FILES =
      List.of(
          "tokenizer.json",
          "tokenizer_config.json",
          "vocab.json",
          "merges.txt",
          "special_tokens_map.json",
          "added_tokens.json");

  private HuggingFaceFolder() {}

  /** The content of the tokenizer files that exist, by name. */
  static Map<String, byte[]> tokenizerFiles(Path folder) {
    Map<String, byte[]> found = new LinkedHashMap<>();
    for (String name : TOKENIZER_FILES) {
      Path file = folder.resolve(name);
      if (!Files.exists(file)) {
        continue;
      }
      try {
        long size = Files.size(file);
        if (size > MAX_TOKENIZER_FILE) {
          throw ModelFormatException.of(
              file.toString(),
              "has " + size + " bytes",
              "at most " + MAX_TOKENIZER_FILE,
              "Check that this is the right file.");
        }
        found.put(name, Files.readAllBytes(file));
      } catch (IOException e) {
        throw new UncheckedIOException(file + ": cannot be read: " + e.getMessage(), e);
      }
    }
    return found;
  }

  /** {@code generation_config.json}, or without one the options in the configuration. */
  static Map<String, @Nullable Object> generation(Path folder, Gpt2Config config) {
    Path file = folder.resolve(GENERATION);
    if (!Files.exists(file)) {
      return config.generationConfig();
    }
    Map<String, @Nullable Object> options = Json.readObject(file);
    Set<String> ignored = new TreeSet<>(config.generationConfig().keySet());
    ignored.removeAll(options.keySet());
    ignored.removeAll(TOKEN_IDS);
    ignored.removeIf(name -> config.other().get(name) == null);
    if (!ignored.isEmpty()) {
      LOG.log(
          System.Logger.Level.WARNING,
          folder.resolve(CONFIG)
              + " has options of generation that are not used, because "
              + GENERATION
              + " takes precedence: "
              + String.join(", ", ignored));
    }
    return options;
  }

  /** A configuration and the weights that it describes. */
  record Content(Gpt2Config config, WeightSource weights) {}

  /**
   * Opens the weights.
   *
   * @param config of the folder's {@code config.json}; that of the result says whether the head is
   *     tied as the weights have it, see {@link TiedHead}
   */
  static Content open(Path folder, Gpt2Config config) {
    List<Runnable> closers = new ArrayList<>();
    boolean opened = false;
    try {
      Map<String, CheckedWeights.Stored> tensors = tensors(folder, closers);
      Gpt2Config actual = TiedHead.resolve(folder.toString(), config, tensors);
      WeightSource weights =
          new CheckedWeights(
              folder.toString(),
              actual,
              LinearLayout.IN_OUT,
              tensors,
              WeightSpec::name,
              () -> closers.forEach(Runnable::run));
      opened = true;
      return new Content(actual, weights);
    } finally {
      if (!opened) {
        closers.forEach(Runnable::run);
      }
    }
  }

  /** The tensors of the first form of weights that exists, tried in the order of transformers. */
  private static Map<String, CheckedWeights.Stored> tensors(Path folder, List<Runnable> closers) {
    Map<String, CheckedWeights.Stored> tensors = new HashMap<>();
    if (Files.exists(folder.resolve(WEIGHTS))) {
      addAll(tensors, folder.resolve(WEIGHTS), closers, null);
    } else if (Files.exists(folder.resolve(INDEX))) {
      readShards(tensors, folder, folder.resolve(INDEX), closers);
    } else if (Files.exists(folder.resolve(TORCH_WEIGHTS))) {
      addAll(tensors, folder.resolve(TORCH_WEIGHTS), closers, null);
    } else if (Files.exists(folder.resolve(TORCH_INDEX))) {
      readShards(tensors, folder, folder.resolve(TORCH_INDEX), closers);
    } else {
      throw noWeights(folder);
    }
    return tensors;
  }

  private static ModelFormatException noWeights(Path folder) {
    List<String> others;
    try (var files = Files.list(folder)) {
      others =
          files
              .map(file -> String.valueOf(file.getFileName()))
              .filter(name -> OTHER_WEIGHTS.matcher(name).matches())
              .sorted()
              .limit(5)
              .toList();
    } catch (IOException e) {
      others = List.of();
    }
    boolean gguf = others.stream().anyMatch(name -> name.endsWith(".gguf"));
    return ModelFormatException.of(
        folder.toString(),
        others.isEmpty() ? "has no weights" : "has no weights but " + String.join(", ", others),
        WEIGHTS + ", " + INDEX + ", " + TORCH_WEIGHTS + " or " + TORCH_INDEX,
        gguf
            ? "Give the path of a .gguf file itself."
            : others.isEmpty()
                ? "Download the model again, or give the folder that holds the weights."
                : "Get the model in one of these forms, perhaps from the one that it was made of.");
  }

  private static void readShards(
      Map<String, CheckedWeights.Stored> tensors, Path folder, Path index, List<Runnable> closers) {
    Map<String, String> shardOf = shardOf(index);
    TreeSet<String> shards = new TreeSet<>(shardOf.values());
    if (shards.size() > MAX_SHARDS) {
      throw ModelFormatException.of(
          index.toString(),
          "names " + shards.size() + " files",
          "at most " + MAX_SHARDS,
          "Save the model in fewer files.");
    }
    for (String shard : shards) {
      Path file = folder.resolve(shard);
      if (!Files.exists(file)) {
        throw ModelFormatException.of(
            index.toString(),
            "names the file " + Names.quote(shard) + ", which is missing",
            "every file it names in the same folder",
            "Download the missing file.");
      }
      addAll(tensors, file, closers, shardOf);
    }
    shardOf.forEach((name, shard) -> {
      if (!tensors.containsKey(canonical(name)) && !isBuffer(canonical(name))) {
        throw ModelFormatException.of(
            index.toString(),
            "places the weight " + Names.quote(name) + " in " + Names.quote(shard),
            "a file that holds it",
            "Download both files again.");
      }
    });
  }

  /** Reads an index: the file of each weight. */
  static Map<String, String> shardOf(Path index) {
    Map<String, @Nullable Object> json = Json.readObject(index);
    if (!(json.get("weight_map") instanceof Map<?, ?> weightMap)) {
      throw ModelFormatException.of(
          index.toString(),
          "has no weight_map",
          "an object that gives a file name for each weight",
          "Download the file again.");
    }
    String extension = index.endsWith(TORCH_INDEX) ? ".bin" : ".safetensors";
    Map<String, String> shardOf = new LinkedHashMap<>();
    weightMap.forEach((name, file) -> {
      if (!(file instanceof String shard) || !isPlainName(shard, extension)) {
        throw ModelFormatException.of(
            index.toString(),
            "gives "
                + Names.quote(String.valueOf(file))
                + " for "
                + Names.quote(String.valueOf(name)),
            "the name of a " + extension + " file in the same folder",
            "Download the file again.");
      }
      shardOf.put(String.valueOf(name), shard);
    });
    return shardOf;
  }

  private static boolean isPlainName(String name, String extension) {
    return name.endsWith(extension)
        && name.length() <= 255
        && name.chars().allMatch(c -> c > 0x1f && c < 0x7f && c != '/' && c != '\\' && c != ':')
        && !name.startsWith(".");
  }

  private static void addAll(
      Map<String, CheckedWeights.Stored> tensors,
      Path path,
      List<Runnable> closers,
      @Nullable Map<String, String> shardOf) {
    String fileName = String.valueOf(path.getFileName());
    fileTensors(path, closers)
        .forEach((key, stored) -> {
          String name = canonical(key);
          boolean elsewhere = shardOf != null && !fileName.equals(shardOf.get(key));
          if (elsewhere || isBuffer(name)) {
            return;
          }
          if (tensors.put(name, stored) != null) {
            throw ModelFormatException.of(
                path.toString(),
                "holds the weight " + Names.quote(name) + " twice, with and without " + PREFIX,
                "one of the two",
                "Save the model again.");
          }
        });
  }

  /** The tensors of one file, whichever form it is of. */
  private static Map<String, CheckedWeights.Stored> fileTensors(Path path, List<Runnable> closers) {
    Map<String, CheckedWeights.Stored> stored = new LinkedHashMap<>();
    if (path.toString().endsWith(".bin")) {
      TorchFile file = TorchFile.open(path);
      closers.add(file::close);
      for (TorchTensor tensor : file.tensors().values()) {
        String name = tensor.name();
        stored.put(
            name, new CheckedWeights.Stored(tensor.dtype(), tensor.shape(), () -> file.data(name)));
      }
      return stored;
    }
    SafetensorsFile file = SafetensorsFile.open(path);
    closers.add(file::close);
    for (SafetensorsEntry entry : file.tensors().values()) {
      String name = entry.name();
      stored.put(
          name, new CheckedWeights.Stored(entry.dtype(), entry.shape(), () -> file.data(name)));
    }
    return stored;
  }

  /** The name without the prefix that models with a head have. */
  private static String canonical(String name) {
    return name.startsWith(PREFIX) ? name.substring(PREFIX.length()) : name;
  }

  /** Old files hold the causal mask of each layer as a tensor. */
  private static boolean isBuffer(String name) {
    return name.endsWith(".attn.bias") || name.endsWith(".attn.masked_bias");
  }
}
