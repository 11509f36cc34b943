package io.github.ggml4j.trainer.data;

import io.github.ggml4j.error.InvalidArgumentException;
import io.github.ggml4j.hub.Hub;
import io.github.ggml4j.hub.HubException;
import io.github.ggml4j.hub.HubRepo;
import io.github.ggml4j.trainer.data.internal.files.InputFiles;
import io.github.ggml4j.trainer.data.internal.hub.DatasetLayout;
import io.github.ggml4j.trainer.data.internal.hub.DatasetLayout.Repository;
import io.github.ggml4j.trainer.error.DatasetException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A dataset of the Hugging Face Hub, or a local copy of one. It is streamed: byte ranges of the
 * files are read when their rows are needed, and nothing is stored on disk. Call the methods that
 * choose files (config, split, revision) before those that choose rows and the text column.
 *
 * <p>Reads the same files as Python's {@code datasets}: the files listed in the dataset's card, or
 * else files whose names contain the name of a split. Scripts of a dataset are never run; such a
 * dataset is read from the Hub's Parquet copy. The branch is resolved to a commit once, so all
 * epochs read the same commit.
 *
 * <p>Immutable; safe for use by several threads, each with its own reader.
 */
public final class HubDataset extends RowDataset {

  private static final String PROTOCOL = "hf://datasets/";
  private static final String PARQUET_BRANCH = "refs/convert/parquet";

  /**
   * The settings that choose the files.
   *
   * @param id name of a repository, or path of a local copy
   * @param local whether {@code id} is a path
   */
  private record Settings(
      String id,
      boolean local,
      @Nullable String revision,
      @Nullable String config,
      @Nullable String split,
      List<String> dataFiles,
      @Nullable Hub hub) {

    Settings(String id, boolean local, @Nullable String revision, List<String> dataFiles) {
      this(id, local, revision, null, null, dataFiles, null);
    }

    Settings withRevision(String name) {
      return new Settings(id, local, name, config, split, dataFiles, hub);
    }

    Settings withConfig(String name) {
      return new Settings(id, local, revision, name, split, dataFiles, hub);
    }

    Settings withSplit(String name) {
      return new Settings(id, local, revision, config, name, dataFiles, hub);
    }

    Settings withDataFiles(List<String> globs) {
      return new Settings(id, local, revision, config, split, globs, hub);
    }

    /** A dataset of a given Hub is never a local copy. */
    Settings withHub(Hub chosen) {
      return new Settings(id, false, revision, config, split, dataFiles, chosen);
    }
  }

  private final Settings settings;
  private final Lazy<DatasetLayout> layout;

  private HubDataset(Settings settings) {
    this(settings, new Lazy<>(() -> find(settings)));
  }

  private HubDataset(Settings settings, Lazy<DatasetLayout> layout) {
    super(
        settings.id + (settings.split == null ? "" : ", split " + settings.split),
        new Lazy<>(() -> layout.get().source(settings.split)),
        false);
    this.settings = settings;
    this.layout = layout;
  }

  /** A dataset by its name, its address or the folder of a local copy. */
  static HubDataset of(String name) {
    if (!name.startsWith(PROTOCOL)) {
      boolean local = Files.isDirectory(Path.of(name));
      if (!local && !Hub.isRepoId(name)) {
        throw new InvalidArgumentException(
            "name", name, "org/name as on the Hub, hf://datasets/org/name, or an existing folder");
      }
      return new HubDataset(new Settings(name, local, null, List.of()));
    }
    String[] parts = name.substring(PROTOCOL.length()).split("/", 3);
    String id = parts.length < 2 ? parts[0] : parts[0] + "/" + parts[1];
    int at = id.indexOf('@');
    String revision = at < 0 ? null : id.substring(at + 1).replace("%2F", "/");
    String repository = at < 0 ? id : id.substring(0, at);
    if (!Hub.isRepoId(repository)) {
      throw new InvalidArgumentException("name", name, "hf://datasets/org/name");
    }
    boolean hasPath = parts.length == 3 && !parts[2].isEmpty();
    List<String> files = hasPath ? List.of(parts[2]) : List.of();
    return new HubDataset(new Settings(repository, false, revision, files));
  }

  /** Whether this is a local copy. */
  boolean isLocal() {
    return settings.local;
  }

  private static DatasetLayout find(Settings settings) {
    try {
      return DatasetLayout.find(
          repository(settings), settings.config, settings.dataFiles, parquetCopy(settings));
    } catch (HubException e) {
      throw InputFiles.failure(e);
    }
  }

  private static Repository repository(Settings settings) {
    return settings.local ? Repository.of(Path.of(settings.id)) : Repository.of(repo(settings));
  }

  private static HubRepo repo(Settings settings) {
    Hub hub = settings.hub == null ? Hub.defaults() : settings.hub;
    HubRepo repo = hub.dataset(settings.id);
    return settings.revision == null ? repo : repo.revision(settings.revision);
  }

  /** The Hub makes a Parquet copy of the main branch only. */
  private static @Nullable Supplier<Repository> parquetCopy(Settings settings) {
    return settings.local || settings.revision != null
        ? null
        : () -> Repository.of(repo(settings).revision(PARQUET_BRANCH));
  }

  /**
   * The configuration, also called subset; {@code name} of {@code load_dataset}.
   *
   * @param name of the config
   * @return a changed copy
   */
  public HubDataset config(String name) {
    return new HubDataset(settings.withConfig(name));
  }

  /**
   * The split. The default is {@code train}, or the only split.
   *
   * @param name of the split, such as {@code train} or {@code validation}
   * @return a changed copy
   */
  public HubDataset split(String name) {
    if (name.contains("[") || name.contains("+")) {
      throw new InvalidArgumentException(
          "split",
          name,
          "the name of one split",
          "{take} limits the rows. Read each split as a dataset of its own.");
    }
    return new HubDataset(settings.withSplit(name));
  }

  /**
   * The branch, tag or commit. The default is the main branch.
   *
   * @param revision name of the branch or tag, or hash of the commit
   * @return a changed copy
   */
  public HubDataset revision(String revision) {
    return new HubDataset(settings.withRevision(revision));
  }

  /**
   * Chooses the files to read, instead of the card or the file names. They form the split {@code
   * train}.
   *
   * @param globs paths in the repository, with wildcards
   * @return a changed copy
   */
  public HubDataset dataFiles(String... globs) {
    return new HubDataset(settings.withDataFiles(List.of(globs)));
  }

  /**
   * The Hub to read from, with its endpoint, token and cache. The default is {@link
   * Hub#defaults()}.
   *
   * @param hub the Hub
   * @return a changed copy
   */
  public HubDataset hub(Hub hub) {
    return new HubDataset(settings.withHub(hub));
  }

  /**
   * The names of the splits.
   *
   * @return the names, at least one
   * @throws DatasetException if the files of the dataset cannot be found
   */
  public List<String> splits() {
    return List.copyOf(layout.get().splits().keySet());
  }

  /**
   * The names of the configs.
   *
   * @return the names, at least one
   * @throws DatasetException if the files of the dataset cannot be found
   */
  public List<String> configs() {
    try {
      return DatasetLayout.configs(repository(settings), parquetCopy(settings));
    } catch (HubException e) {
      throw InputFiles.failure(e);
    }
  }
}
