package io.github.ggml4j.trainer.data;

import io.github.ggml4j.hub.HubEntry;
import io.github.ggml4j.hub.HubException;
import io.github.ggml4j.hub.RemoteFile;
import io.github.ggml4j.hub.RemoteRepo;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The files of a dataset's repository by split: what its card says, else what the names of the
 * files say, else the Parquet copy that the Hub made of it.
 *
 * @param description of the dataset and its config, for messages
 * @param repo where the files are
 * @param splits files by split
 */
record HubLayout(String description, RemoteRepo repo, Map<String, List<HubEntry>> splits) {

  private static final int LONGEST_README = 2 << 20;
  private static final String DEFAULT = "default";
  private static final String PARTIAL = "partial-";

  /**
   * Finds the files.
   *
   * @param config name of the config, null for the default one
   * @param dataFiles globs of the files; empty to find them
   * @param parquet the repository with the Parquet copy, null where there is none
   */
  static HubLayout find(
      RemoteRepo repo,
      @Nullable String config,
      List<String> dataFiles,
      @Nullable Supplier<RemoteRepo> parquet) {
    Map<String, HubEntry> entries = new TreeMap<>();
    repo.list("").forEach(entry -> entries.put(entry.path(), entry));
    if (!dataFiles.isEmpty()) {
      List<String> files = SplitPatterns.matching(entries.keySet(), dataFiles);
      if (files.isEmpty()) {
        throw new DatasetException(
            "No data file of " + repo.id() + " matches " + dataFiles + "; it has " + some(entries));
      }
      return layout(repo, repo.id(), Map.of("train", files), entries);
    }
    List<DatasetCard.Config> configs = card(repo, entries).configs();
    if (!configs.isEmpty()) {
      return ofCard(repo, configs, config, entries);
    }
    boolean isScript = entries.containsKey(repo.id().replaceFirst(".*/", "") + ".py");
    boolean hasParquet =
        entries.keySet().stream()
            .anyMatch(
                path -> TableFormat.ofName(path).filter(TableFormat.PARQUET::equals).isPresent());
    boolean wantsCopy = (isScript && !hasParquet) || (config != null && !config.equals(DEFAULT));
    Map<String, List<String>> splits = SplitPatterns.bySplit(entries.keySet());
    if (parquet != null && (wantsCopy || splits.isEmpty())) {
      return ofCopy(parquet.get(), repo, config);
    }
    if (config != null && !config.equals(DEFAULT)) {
      throw new DatasetException(repo.id() + " has no config \"" + config + "\", only the default");
    }
    if (splits.isEmpty()) {
      throw new DatasetException(
          repo.id() + " has no Parquet, JSON, CSV or text files; it has " + some(entries));
    }
    return layout(repo, repo.id(), splits, entries);
  }

  /** The names of the configs that a dataset has. */
  static List<String> configs(RemoteRepo repo, @Nullable Supplier<RemoteRepo> parquet) {
    Map<String, HubEntry> entries = new TreeMap<>();
    repo.list("").forEach(entry -> entries.put(entry.path(), entry));
    List<DatasetCard.Config> configs = card(repo, entries).configs();
    if (!configs.isEmpty()) {
      return configs.stream().map(DatasetCard.Config::name).toList();
    }
    if (parquet != null && SplitPatterns.bySplit(entries.keySet()).isEmpty()) {
      return List.copyOf(byConfig(parquet.get(), "").keySet());
    }
    return List.of(DEFAULT);
  }

  private static DatasetCard card(RemoteRepo repo, Map<String, HubEntry> entries) {
    if (!entries.containsKey("README.md")) {
      return new DatasetCard(List.of());
    }
    try (RemoteFile file = repo.open("README.md")) {
      ByteBuffer bytes = ByteBuffer.allocate((int) Math.min(LONGEST_README, file.size()));
      if (bytes.hasRemaining()) {
        file.read(0, bytes);
      }
      String text = new String(bytes.array(), 0, bytes.position(), StandardCharsets.UTF_8);
      return DatasetCard.parse(repo.id() + "/README.md", text);
    }
  }

  private static HubLayout ofCard(
      RemoteRepo repo,
      List<DatasetCard.Config> configs,
      @Nullable String name,
      Map<String, HubEntry> entries) {
    DatasetCard.Config config = choose(repo.id(), configs, name);
    String folder = config.folder().replaceFirst("^(\\./)+", "").replaceFirst("/*$", "");
    String prefix = folder.isEmpty() || folder.equals(".") ? "" : folder + "/";
    List<String> paths =
        entries.keySet().stream()
            .filter(path -> path.startsWith(prefix))
            .map(path -> path.substring(prefix.length()))
            .toList();
    Map<String, List<String>> patterns = config.patterns();
    Map<String, List<String>> splits = new LinkedHashMap<>();
    if (patterns == null) {
      SplitPatterns.bySplit(paths)
          .forEach((split, files) -> splits.put(split, under(prefix, files)));
    } else {
      patterns.forEach((split, globs) ->
          splits.put(
              split,
              under(
                  prefix,
                  SplitPatterns.matching(
                      paths, globs.stream().map(HubLayout::withoutDot).toList()))));
      splits.values().removeIf(List::isEmpty);
    }
    String description = repo.id() + ", config " + config.name();
    if (splits.isEmpty()) {
      throw new DatasetException(
          "The card of "
              + description
              + " names files that are not there: "
              + (patterns == null ? config.folder() : patterns)
              + "; the repository has "
              + some(entries));
    }
    return layout(repo, description, splits, entries);
  }

  private static String withoutDot(String pattern) {
    return pattern.startsWith("./") ? pattern.substring(2) : pattern;
  }

  private static List<String> under(String prefix, List<String> files) {
    return files.stream().map(file -> prefix + file).toList();
  }

  private static DatasetCard.Config choose(
      String id, List<DatasetCard.Config> configs, @Nullable String name) {
    if (name != null) {
      return configs.stream()
          .filter(config -> config.name().equals(name))
          .findFirst()
          .orElseThrow(() -> noConfig(id, name, names(configs)));
    }
    if (configs.size() == 1) {
      return configs.get(0);
    }
    return configs.stream()
        .filter(DatasetCard.Config::isDefault)
        .findFirst()
        .or(() -> configs.stream().filter(config -> config.name().equals(DEFAULT)).findFirst())
        .orElseThrow(() -> nameConfig(id, names(configs)));
  }

  private static List<String> names(List<DatasetCard.Config> configs) {
    return configs.stream().map(DatasetCard.Config::name).toList();
  }

  private static DatasetException noConfig(String id, String name, Collection<String> configs) {
    return new DatasetException(
        id + " has no config \"" + name + "\"; it has " + Columns.names(configs));
  }

  private static DatasetException nameConfig(String id, Collection<String> configs) {
    return new DatasetException(
        id + " has several configs; name one with config(...): " + Columns.names(configs));
  }

  /** The Parquet files that the Hub makes of other datasets: config/split/0000.parquet. */
  private static HubLayout ofCopy(RemoteRepo copy, RemoteRepo original, @Nullable String config) {
    Map<String, Map<String, List<HubEntry>>> configs;
    try {
      configs = byConfig(copy, "");
    } catch (HubException e) {
      if (e.reason() == HubException.Reason.REVISION_NOT_FOUND) {
        throw new DatasetException(
            original.id()
                + " has no Parquet, JSON, CSV or text files"
                + (config == null ? "" : " of a config \"" + config + "\"")
                + ", and the Hub has no Parquet copy of it",
            e);
      }
      throw e;
    }
    String chosen = config;
    if (chosen == null) {
      chosen =
          configs.size() == 1
              ? configs.keySet().iterator().next()
              : configs.containsKey(DEFAULT) ? DEFAULT : null;
    }
    if (chosen == null) {
      throw nameConfig(original.id(), configs.keySet());
    }
    Map<String, List<HubEntry>> splits = configs.get(chosen);
    if (splits == null) {
      throw noConfig(original.id(), chosen, configs.keySet());
    }
    return new HubLayout(original.id() + ", config " + chosen, copy, splits);
  }

  private static Map<String, Map<String, List<HubEntry>>> byConfig(RemoteRepo copy, String folder) {
    Map<String, Map<String, List<HubEntry>>> configs = new TreeMap<>();
    for (HubEntry entry : copy.list(folder)) {
      String[] parts = entry.path().split("/");
      if (parts.length == 3 && parts[2].endsWith(".parquet")) {
        // Of large datasets there is a copy of the first part only.
        String split =
            parts[1].startsWith(PARTIAL) ? parts[1].substring(PARTIAL.length()) : parts[1];
        configs
            .computeIfAbsent(parts[0], _ -> new TreeMap<>())
            .computeIfAbsent(split, _ -> new ArrayList<>())
            .add(entry);
      }
    }
    configs
        .values()
        .forEach(splits ->
            splits.values().forEach(files -> files.sort(Comparator.comparing(HubEntry::path))));
    return configs;
  }

  private static HubLayout layout(
      RemoteRepo repo,
      String description,
      Map<String, List<String>> splits,
      Map<String, HubEntry> entries) {
    Map<String, List<HubEntry>> files = new LinkedHashMap<>();
    splits.forEach((split, paths) ->
        files.put(
            split, paths.stream().flatMap(path -> Stream.ofNullable(entries.get(path))).toList()));
    return new HubLayout(description, repo, files);
  }

  private static String some(Map<String, HubEntry> entries) {
    return entries.isEmpty() ? "no files" : Columns.names(entries.keySet());
  }

  /** The names of the splits. */
  Set<String> names() {
    return splits.keySet();
  }

  /** The files of a split; of train, or of the only split, where none is named. */
  TableSource source(@Nullable String split) {
    String chosen = split;
    if (chosen == null) {
      chosen = splits.size() == 1 ? splits.keySet().iterator().next() : "train";
    }
    List<HubEntry> files = splits.get(chosen);
    if (files == null) {
      throw new DatasetException(
          description
              + " has no split \""
              + chosen
              + "\"; it has "
              + Columns.names(new TreeSet<>(splits.keySet())));
    }
    TableFormat format = format(files);
    return new TableSource(
        format,
        files.stream()
            .filter(file -> TableFormat.ofName(file.path()).filter(format::equals).isPresent())
            .<RowFile>map(file -> new HubFile(repo, file))
            .toList());
  }

  /** The format of most files, in a draw the first in the order of the formats. */
  private static TableFormat format(List<HubEntry> files) {
    Map<TableFormat, Long> counts =
        files.stream()
            .flatMap(file -> TableFormat.ofName(file.path()).stream())
            .collect(
                Collectors.groupingBy(
                    format -> format,
                    () -> new EnumMap<>(TableFormat.class),
                    Collectors.counting()));
    TableFormat most = TableFormat.TEXT;
    for (Map.Entry<TableFormat, Long> count : counts.entrySet()) {
      if (count.getValue() > counts.getOrDefault(most, 0L)) {
        most = count.getKey();
      }
    }
    return most;
  }
}
