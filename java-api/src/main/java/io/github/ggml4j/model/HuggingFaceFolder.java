package io.github.ggml4j.model;

import io.github.ggml4j.format.ModelFormatException;
import io.github.ggml4j.format.internal.Json;
import io.github.ggml4j.format.internal.Names;
import io.github.ggml4j.format.safetensors.SafetensorsEntry;
import io.github.ggml4j.format.safetensors.SafetensorsFile;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** The weights of a folder as Hugging Face's {@code save_pretrained} writes it. */
final class HuggingFaceFolder {
  static final String CONFIG = "config.json";
  static final String WEIGHTS = "model.safetensors";
  static final String INDEX = "model.safetensors.index.json";
  static final String GENERATION = "generation_config.json";
  private static final String PREFIX = "transformer.";
  private static final int MOST_SHARDS = 10_000;

  private static final long LARGEST_TOKENIZER_FILE = 64L << 20;

  /** What tokenizers of this family are saved as. */
  private static final List<String> TOKENIZER_FILES =
      List.of(
          "tokenizer.json",
          "tokenizer_config.json",
          "vocab.json",
          "merges.txt",
          "special_tokens_map.json",
          "added_tokens.json");

  private HuggingFaceFolder() {}

  /** The tokenizer's files that are there. */
  static Map<String, byte[]> tokenizerFiles(Path folder) {
    Map<String, byte[]> found = new LinkedHashMap<>();
    for (String name : TOKENIZER_FILES) {
      Path file = folder.resolve(name);
      if (!Files.exists(file)) {
        continue;
      }
      try {
        long size = Files.size(file);
        if (size > LARGEST_TOKENIZER_FILE) {
          throw ModelFormatException.of(
              file.toString(),
              "has " + size + " bytes",
              "at most " + LARGEST_TOKENIZER_FILE,
              "Check that this is the right file.");
        }
        found.put(name, Files.readAllBytes(file));
      } catch (IOException e) {
        throw new UncheckedIOException(file + ": cannot be read: " + e.getMessage(), e);
      }
    }
    return found;
  }

  /** {@code generation_config.json}; empty where there is none. */
  static Map<String, @Nullable Object> generation(Path folder) {
    Path file = folder.resolve(GENERATION);
    return Files.exists(file) ? Json.readObject(file) : Map.of();
  }

  /**
   * The ids that end a text: one or several in {@code generation_config.json}, which comes first as
   * in transformers, else that of the configuration.
   */
  static List<Integer> eosTokenIds(
      String source, Map<String, @Nullable Object> generation, Gpt2Config config) {
    Object value = generation.get("eos_token_id");
    List<?> values =
        value instanceof List<?> list ? list : value == null ? List.of() : List.of(value);
    List<Integer> ids = new ArrayList<>();
    for (Object id : values) {
      if (!(id instanceof Long number) || number < 0 || number > Integer.MAX_VALUE) {
        throw ModelFormatException.of(
            source + " (" + GENERATION + ")",
            "eos_token_id is " + Names.quote(String.valueOf(value)),
            "a token id or a list of them",
            "Correct the file or remove it.");
      }
      ids.add(number.intValue());
    }
    Integer eos = config.eosTokenId();
    return ids.isEmpty() && eos != null ? List.of(eos) : List.copyOf(ids);
  }

  static WeightSource open(Path folder, Gpt2Config config) {
    Path single = folder.resolve(WEIGHTS);
    Path index = folder.resolve(INDEX);
    List<SafetensorsFile> files = new ArrayList<>();
    boolean opened = false;
    try {
      Map<String, CheckedWeights.Stored> tensors = new HashMap<>();
      if (Files.exists(single)) {
        addAll(tensors, single, files, null);
      } else if (Files.exists(index)) {
        readShards(tensors, folder, index, files);
      } else {
        throw noWeights(folder);
      }
      WeightSource weights =
          new CheckedWeights(
              folder.toString(),
              config,
              true,
              spec -> tensors.get(spec.name()),
              () -> files.forEach(SafetensorsFile::close));
      opened = true;
      return weights;
    } finally {
      if (!opened) {
        files.forEach(SafetensorsFile::close);
      }
    }
  }

  private static ModelFormatException noWeights(Path folder) {
    boolean pickled =
        Files.exists(folder.resolve("pytorch_model.bin"))
            || Files.exists(folder.resolve("pytorch_model.bin.index.json"));
    return ModelFormatException.of(
        folder.toString(),
        pickled ? "has its weights in pytorch_model.bin only" : "has no weights",
        WEIGHTS + " or " + INDEX,
        pickled
            ? "Save the model again with save_pretrained, which writes safetensors."
            : "Download the model again, or give the folder that holds the weights.");
  }

  private static void readShards(
      Map<String, CheckedWeights.Stored> tensors,
      Path folder,
      Path index,
      List<SafetensorsFile> files) {
    Map<String, String> shardOf = shardOf(index);
    TreeSet<String> shards = new TreeSet<>(shardOf.values());
    if (shards.size() > MOST_SHARDS) {
      throw ModelFormatException.of(
          index.toString(),
          "names " + shards.size() + " files",
          "at most " + MOST_SHARDS,
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
      addAll(tensors, file, files, shardOf);
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

  /** The index: which file holds which weight. */
  static Map<String, String> shardOf(Path index) {
    Map<String, @Nullable Object> json = Json.readObject(index);
    if (!(json.get("weight_map") instanceof Map<?, ?> weightMap)) {
      throw ModelFormatException.of(
          index.toString(),
          "has no weight_map",
          "an object that gives a file name for each weight",
          "Download the file again.");
    }
    Map<String, String> shardOf = new LinkedHashMap<>();
    weightMap.forEach((name, file) -> {
      if (!(file instanceof String shard) || !isPlainName(shard)) {
        throw ModelFormatException.of(
            index.toString(),
            "gives "
                + Names.quote(String.valueOf(file))
                + " for "
                + Names.quote(String.valueOf(name)),
            "the name of a .safetensors file in the same folder",
            "Download the file again.");
      }
      shardOf.put(String.valueOf(name), shard);
    });
    return shardOf;
  }

  private static boolean isPlainName(String name) {
    return name.endsWith(".safetensors")
        && name.length() <= 255
        && name.chars().allMatch(c -> c > 0x1f && c != '/' && c != '\\' && c != ':')
        && !name.startsWith(".");
  }

  private static void addAll(
      Map<String, CheckedWeights.Stored> tensors,
      Path path,
      List<SafetensorsFile> files,
      @Nullable Map<String, String> shardOf) {
    SafetensorsFile file = SafetensorsFile.open(path);
    files.add(file);
    String fileName = String.valueOf(path.getFileName());
    for (SafetensorsEntry entry : file.tensors().values()) {
      if (shardOf != null && !fileName.equals(shardOf.get(entry.name()))) {
        continue;
      }
      String name = canonical(entry.name());
      if (isBuffer(name)) {
        continue;
      }
      CheckedWeights.Stored stored =
          new CheckedWeights.Stored(entry.dtype(), entry.shape(), () -> file.data(entry.name()));
      if (tensors.put(name, stored) != null) {
        throw ModelFormatException.of(
            path.toString(),
            "holds the weight " + Names.quote(name) + " twice, with and without " + PREFIX,
            "one of the two",
            "Save the model again.");
      }
    }
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
