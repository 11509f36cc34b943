package io.github.ggml4j.trainer.data.internal.hub;

import io.github.ggml4j.trainer.error.DatasetException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;

/**
 * The files of a dataset as its card lists them: <a
 * href="https://huggingface.co/docs/hub/datasets-manual-configuration">the field configs</a> in the
 * YAML header of README.md.
 *
 * @param configs in the order of the card; empty if the card lists no files
 */
record DatasetCard(List<Config> configs) {

  private static final String CHOOSE_FILES = "Choose the files ({dataFiles}).";

  /**
   * One configuration.
   *
   * @param name name of the configuration
   * @param isDefault whether it is used if the caller chooses no config
   * @param folder folder of its files, empty for the root
   * @param patterns globs of files by split; null if the split follows from the file names
   */
  record Config(
      String name,
      boolean isDefault,
      String folder,
      @Nullable Map<String, List<String>> patterns) {}

  private static final Set<String> YES = Set.of("yes", "on", "true");
  private static final String FENCE = "---";
  private static final String TRAIN = "train";

  /**
   * Reads the YAML header of a card.
   *
   * @param name of the file, for messages
   * @throws DatasetException if the header is not valid
   */
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
              + " has invalid YAML in its header, which lists the dataset's files: "
              + e.getMessage(),
          CHOOSE_FILES,
          e);
    }
  }

  private static Config config(String name, Object config) {
    if (!(config instanceof Map<?, ?> fields) || !isScalar(fields.get("config_name"))) {
      throw bad(name, config);
    }
    Object folder = fields.get("data_dir");
    Object files = fields.get("data_files");
    return new Config(
        String.valueOf(fields.get("config_name")),
        isTrue(fields.get("default")),
        folder == null ? "" : folder.toString(),
        files == null ? null : patterns(name, files));
  }

  private static boolean isScalar(@Nullable Object value) {
    return value instanceof String || value instanceof Number || value instanceof Boolean;
  }

  /** Python reads cards as YAML 1.1, where yes and on are booleans. This library reads YAML 1.2. */
  private static boolean isTrue(@Nullable Object value) {
    return value instanceof Boolean truth
        ? truth
        : value instanceof String text && YES.contains(text.toLowerCase(Locale.ROOT));
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
        throw bad(name, path);
      }
      all.add(text);
    }
    return all;
  }

  private static DatasetException bad(String name, @Nullable Object entry) {
    return new DatasetException(
        name + ": this entry of \"configs\" lists no files: " + entry, CHOOSE_FILES, null);
  }
}
