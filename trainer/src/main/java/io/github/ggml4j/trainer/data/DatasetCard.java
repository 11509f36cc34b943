package io.github.ggml4j.trainer.data;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;

/**
 * What the YAML at the head of a README says of a dataset's files: <a
 * href="https://huggingface.co/docs/hub/datasets-manual-configuration">the field configs</a>.
 *
 * @param configs in the order of the card; none where the card names no files
 */
record DatasetCard(List<Config> configs) {

  /**
   * One configuration.
   *
   * @param name of it
   * @param isDefault whether it is meant when none is named
   * @param folder where its files are, empty for the root
   * @param patterns globs of files by split; null where they follow from the names of the files
   */
  record Config(
      String name,
      boolean isDefault,
      String folder,
      @Nullable Map<String, List<String>> patterns) {}

  private static final String FENCE = "---";
  private static final String TRAIN = "train";

  /** Reads the head of a README. */
  static DatasetCard parse(String name, String readme) {
    String text = readme.replace("\r\n", "\n");
    if (!text.startsWith(FENCE + "\n")) {
      return new DatasetCard(List.of());
    }
    int end = text.indexOf("\n" + FENCE, FENCE.length());
    if (end < 0) {
      return new DatasetCard(List.of());
    }
    LoadSettings settings =
        LoadSettings.builder().setLabel(name).setMaxAliasesForCollections(20).build();
    try {
      Object yaml = new Load(settings).loadFromString(text.substring(FENCE.length() + 1, end + 1));
      Object configs = yaml instanceof Map<?, ?> fields ? fields.get("configs") : null;
      List<Config> parsed = new ArrayList<>();
      if (configs instanceof List<?> list) {
        for (Object config : list) {
          parsed.add(config(name, config));
        }
      }
      return new DatasetCard(List.copyOf(parsed));
    } catch (YamlEngineException | StackOverflowError e) {
      throw new DatasetException(
          name
              + " has bad YAML at its head, so that the dataset's files are not known: "
              + e.getMessage()
              + ". Name them with dataFiles(...)",
          e);
    }
  }

  private static Config config(String name, Object config) {
    if (!(config instanceof Map<?, ?> fields)
        || !(fields.get("config_name") instanceof String id)) {
      throw odd(name, config);
    }
    Object folder = fields.get("data_dir");
    Object files = fields.get("data_files");
    return new Config(
        id,
        Boolean.TRUE.equals(fields.get("default")),
        folder == null ? "" : folder.toString(),
        files == null ? null : patterns(name, files));
  }

  private static Map<String, List<String>> patterns(String name, Object files) {
    Map<String, List<String>> bySplit = new LinkedHashMap<>();
    if (files instanceof Map<?, ?> splits) {
      splits.forEach((split, paths) -> bySplit.put(String.valueOf(split), paths(name, paths)));
      return bySplit;
    }
    for (Object file : files instanceof List<?> list ? list : List.of(files)) {
      if (file instanceof Map<?, ?> split) {
        bySplit.put(String.valueOf(split.get("split")), paths(name, split.get("path")));
      } else {
        bySplit.computeIfAbsent(TRAIN, _ -> new ArrayList<>()).addAll(paths(name, file));
      }
    }
    return bySplit;
  }

  private static List<String> paths(String name, @Nullable Object paths) {
    List<String> all = new ArrayList<>();
    for (Object path : paths instanceof List<?> list ? list : Arrays.asList(paths)) {
      if (!(path instanceof String text) || text.isEmpty()) {
        throw odd(name, path);
      }
      all.add(text);
    }
    return all;
  }

  private static DatasetException odd(String name, @Nullable Object what) {
    return new DatasetException(
        name
            + ": cannot make files of this in \"configs\": "
            + what
            + ". Name the files with dataFiles(...)");
  }
}
