package io.github.ggml4j.trainer.data.internal.hub;

import io.github.ggml4j.error.InvalidArgumentException;
import io.github.ggml4j.hub.HubException;
import io.github.ggml4j.hub.HubRepo;
import io.github.ggml4j.trainer.data.internal.files.DataFile;
import io.github.ggml4j.trainer.data.internal.files.Folder;
import io.github.ggml4j.trainer.data.internal.files.Glob;
import io.github.ggml4j.trainer.data.internal.files.InputFiles;
import io.github.ggml4j.trainer.data.internal.files.LocalFile;
import io.github.ggml4j.trainer.data.internal.files.Utf8;
import io.github.ggml4j.trainer.data.internal.rows.Columns;
import io.github.ggml4j.trainer.data.internal.rows.FileFormat;
import io.github.ggml4j.trainer.data.internal.rows.RowSource;
import io.github.ggml4j.trainer.error.DatasetException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The files of a dataset by split: the files listed in its card, or else files whose names contain
 * the name of a split, or else the files of the Hub's Parquet copy.
 *
 * @param description of the dataset and its config, for messages
 * @param splits files by split
 */
public record DatasetLayout(String description, Map<String, List<DataFile>> splits) {

  /**
   * The files of a repository or of a local copy of one.
   *
   * @param id name of the repository or path of the copy, for messages
   * @param files by their path in the repository
   */
  public record Repository(String id, SortedMap<String, DataFile> files) {

    /** A repository on the Hub. */
    public static Repository of(HubRepo repo) {
      SortedMap<String, DataFile> files = new TreeMap<>();
      repo.list().forEach(entry -> files.put(entry.path(), new HubFile(repo, entry)));
      return new Repository(repo.id(), files);
    }

    /** A copy in a local folder. */
    public static Repository of(Path folder) {
      SortedMap<String, DataFile> files = new TreeMap<>();
      for (Path file : Folder.find(folder, Glob.ofPath("**"))) {
        files.put(folder.relativize(file).toString().replace('\\', '/'), new LocalFile(file));
      }
      return new Repository(folder.toString(), files);
    }

    private String someFiles() {
      return files.isEmpty() ? "no files" : Columns.names(files.keySet());
    }

    private DatasetCard card() {
      DataFile readme = files.get("README.md");
      if (readme == null) {
        return new DatasetCard(List.of());
      }
      try (InputStream in = readme.stream()) {
        String text = Utf8.decode(in.readNBytes(MAX_README_BYTES), true, readme.name(), 1, 0);
        return DatasetCard.parse(readme.name(), text);
      } catch (IOException e) {
        throw InputFiles.unreadable(readme.name(), e);
      }
    }
  }

  private static final int MAX_README_BYTES = 2 << 20;
  private static final System.Logger LOG = System.getLogger(DatasetLayout.class.getName());
  private static final String DEFAULT = "default";

  /** Prefix of folders in the Parquet copy that contain only the beginning of a split. */
  private static final String PARTIAL = "partial-";

  /**
   * Finds the files.
   *
   * @param config name of the config; null for the default one
   * @param dataFiles globs of the files; empty to find them
   * @param parquet the repository with the Parquet copy; null if there is none
   */
  public static DatasetLayout find(
      Repository repo,
      @Nullable String config,
      List<String> dataFiles,
      @Nullable Supplier<Repository> parquet) {
    Set<String> paths = repo.files.keySet();
    if (!dataFiles.isEmpty()) {
      List<String> files = SplitPatterns.matching(paths, dataFiles);
      if (files.isEmpty()) {
        throw new DatasetException(
            "No data file of "
                + repo.id
                + " matches "
                + dataFiles
                + "; it has "
                + repo.someFiles());
      }
      return layout(repo, repo.id, Map.of("train", files));
    }
    List<DatasetCard.Config> configs = repo.card().configs();
    if (!configs.isEmpty()) {
      return ofCard(repo, configs, config);
    }
    boolean isScript = repo.files.containsKey(repo.id.replaceFirst(".*/", "") + ".py");
    boolean hasParquet =
        repo.files.keySet().stream()
            .anyMatch(
                path -> FileFormat.ofName(path).filter(FileFormat.PARQUET::equals).isPresent());
    boolean wantsCopy = (isScript && !hasParquet) || (config != null && !config.equals(DEFAULT));
    Map<String, List<String>> splits = SplitPatterns.bySplit(repo.files.keySet());
    if (parquet != null && (wantsCopy || splits.isEmpty())) {
      return ofCopy(parquet, repo, config);
    }
    if (config != null && !config.equals(DEFAULT)) {
      throw new DatasetException(repo.id + " has no config \"" + config + "\", only the default");
    }
    if (splits.isEmpty()) {
      throw new DatasetException(
          repo.id + " has no Parquet, JSON, CSV or text files; it has " + repo.someFiles());
    }
    return layout(repo, repo.id, splits);
  }

  /** The names of the configs that a dataset has. */
  public static List<String> configs(Repository repo, @Nullable Supplier<Repository> parquet) {
    List<DatasetCard.Config> configs = repo.card().configs();
    if (!configs.isEmpty()) {
      return configs.stream().map(DatasetCard.Config::name).toList();
    }
    if (parquet != null && SplitPatterns.bySplit(repo.files.keySet()).isEmpty()) {
      return List.copyOf(byConfig(parquet.get()).keySet());
    }
    return List.of(DEFAULT);
  }

  private static DatasetLayout ofCard(
      Repository repo, List<DatasetCard.Config> configs, @Nullable String name) {
    DatasetCard.Config config = choose(repo.id, configs, name);
    String folder = config.folder().replaceFirst("^(\\./)+", "").replaceFirst("/*$", "");
    String prefix = folder.isEmpty() || folder.equals(".") ? "" : folder + "/";
    List<String> paths =
        repo.files.keySet().stream()
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
                      paths, globs.stream().map(DatasetLayout::withoutDot).toList()))));
      splits.values().removeIf(List::isEmpty);
    }
    String description = repo.id + ", config " + config.name();
    if (splits.isEmpty()) {
      throw new DatasetException(
          "The card of "
              + description
              + " lists files that do not exist: "
              + (patterns == null ? config.folder() : patterns)
              + "; the repository has "
              + repo.someFiles());
    }
    return layout(repo, description, splits);
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

  private static InvalidArgumentException nameConfig(String id, Collection<String> configs) {
    return new InvalidArgumentException(
        "datasetConfig", "not set", "one of the configs of " + id + ": " + Columns.names(configs));
  }

  /** The Hub's Parquet copy. Its files are named config/split/0000.parquet. */
  private static DatasetLayout ofCopy(
      Supplier<Repository> copy, Repository original, @Nullable String config) {
    Map<String, Map<String, List<DataFile>>> configs;
    try {
      configs = byConfig(copy.get());
    } catch (HubException e) {
      if (e.reason() == HubException.Reason.REVISION_NOT_FOUND) {
        throw new DatasetException(
            original.id
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
      throw nameConfig(original.id, configs.keySet());
    }
    Map<String, List<DataFile>> splits = configs.get(chosen);
    if (splits == null) {
      throw noConfig(original.id, chosen, configs.keySet());
    }
    return new DatasetLayout(original.id + ", config " + chosen, splits);
  }

  private static Map<String, Map<String, List<DataFile>>> byConfig(Repository copy) {
    Map<String, Map<String, List<DataFile>>> configs = new TreeMap<>();
    copy.files.forEach((path, file) -> {
      String[] parts = path.split("/");
      if (parts.length == 3 && parts[2].endsWith(".parquet")) {
        String split =
            parts[1].startsWith(PARTIAL) ? parts[1].substring(PARTIAL.length()) : parts[1];
        configs
            .computeIfAbsent(parts[0], _ -> new TreeMap<>())
            .computeIfAbsent(split, _ -> new ArrayList<>())
            .add(file);
      }
    });
    return configs;
  }

  private static DatasetLayout layout(
      Repository repo, String description, Map<String, List<String>> splits) {
    Map<String, List<DataFile>> files = new LinkedHashMap<>();
    splits.forEach((split, paths) ->
        files.put(
            split,
            paths.stream().map(path -> Objects.requireNonNull(repo.files.get(path))).toList()));
    return new DatasetLayout(description, files);
  }

  /**
   * The files of a split that have its most frequent format.
   *
   * @param split null for {@code train}, or for the only split
   * @throws DatasetException if there is no such split
   */
  public RowSource source(@Nullable String split) {
    String chosen = split;
    if (chosen == null) {
      chosen = splits.size() == 1 ? splits.keySet().iterator().next() : "train";
    }
    List<DataFile> files = splits.get(chosen);
    if (files == null) {
      throw new DatasetException(
          description
              + " has no split \""
              + chosen
              + "\"; it has "
              + Columns.names(new TreeSet<>(splits.keySet())));
    }
    FileFormat format = mostFrequentFormat(files);
    List<DataFile> ofFormat =
        files.stream()
            .filter(file -> FileFormat.ofName(file.name()).filter(format::equals).isPresent())
            .toList();
    warnOfMissingData(files, ofFormat);
    return new RowSource(ofFormat.stream().map(format::file).toList());
  }

  private void warnOfMissingData(List<DataFile> files, List<DataFile> read) {
    if (read.size() < files.size()) {
      List<String> others =
          files.stream().filter(file -> !read.contains(file)).map(DataFile::name).toList();
      LOG.log(
          System.Logger.Level.WARNING,
          description
              + " has files of several formats. These are not read: "
              + Columns.names(others)
              + ". To read them, choose them (dataFiles, or their path after the dataset's name).");
    }
    if (read.stream()
        .anyMatch(file -> file.name().matches(".*/" + PARTIAL + "[^/]+/\\d+\\.parquet"))) {
      LOG.log(
          System.Logger.Level.WARNING,
          description
              + ": the Hub's Parquet copy contains only the beginning of this large dataset");
    }
  }

  /** The most frequent format. A tie is resolved by the order of the formats. */
  private static FileFormat mostFrequentFormat(List<DataFile> files) {
    Map<FileFormat, Long> counts =
        files.stream()
            .flatMap(file -> FileFormat.ofName(file.name()).stream())
            .collect(
                Collectors.groupingBy(
                    format -> format,
                    () -> new EnumMap<>(FileFormat.class),
                    Collectors.counting()));
    FileFormat most = FileFormat.TEXT;
    for (Map.Entry<FileFormat, Long> count : counts.entrySet()) {
      if (count.getValue() > counts.getOrDefault(most, 0L)) {
        most = count.getKey();
      }
    }
    return most;
  }
}
