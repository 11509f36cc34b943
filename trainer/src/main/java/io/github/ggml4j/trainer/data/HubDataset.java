package io.github.ggml4j.trainer.data;

import io.github.ggml4j.hub.Hub;
import io.github.ggml4j.hub.HubException;
import io.github.ggml4j.hub.HubRepo;
import io.github.ggml4j.hub.RemoteRepo;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A dataset of the Hugging Face Hub, or a local copy of one, streamed: files are read by ranges as
 * their rows are needed, and nothing is kept. First choose the files (config, split, revision),
 * then the rows and the column of the text.
 *
 * <p>The files are those that Python's {@code datasets} would take: those that the dataset's card
 * names, else those whose names tell their split. Of a dataset that is made by a script, which is
 * never run, it is the Parquet copy that the Hub makes. The branch is looked up once; later passes
 * read the same commit.
 *
 * <p>Immutable; safe for use by several threads, each with its own pass.
 */
public final class HubDataset implements ResumableDataset {

  private static final String PROTOCOL = "hf://datasets/";
  private static final String PARQUET_BRANCH = "refs/convert/parquet";

  /**
   * What is chosen.
   *
   * @param id a repository's name, or a path
   * @param local whether it is the path of a copy
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

    /** Who names a Hub means a repository there. */
    Settings withHub(Hub chosen) {
      return new Settings(id, false, revision, config, split, dataFiles, chosen);
    }
  }

  private final Settings settings;
  private final Lazy<HubLayout> layout;
  private final Lazy<TableSource> source;

  private HubDataset(Settings settings) {
    this.settings = settings;
    this.layout = new Lazy<>(() -> find(settings));
    this.source = new Lazy<>(() -> layout.get().source(settings.split));
  }

  /** A dataset by its name, its address, or the folder of a local copy. */
  static HubDataset of(String name) {
    if (!name.startsWith(PROTOCOL)) {
      boolean local = Files.isDirectory(Path.of(name));
      if (!local && !Hub.isRepoId(name)) {
        throw new IllegalArgumentException(
            "\""
                + name
                + "\" is no dataset: expected org/name as on the Hub, hf://datasets/org/name, or a"
                + " folder with a copy of one");
      }
      return new HubDataset(new Settings(name, local, null, List.of()));
    }
    String[] parts = name.substring(PROTOCOL.length()).split("/", 3);
    String id = parts.length < 2 ? parts[0] : parts[0] + "/" + parts[1];
    int at = id.indexOf('@');
    String revision = at < 0 ? null : id.substring(at + 1).replace("%2F", "/");
    String repository = at < 0 ? id : id.substring(0, at);
    if (!Hub.isRepoId(repository)) {
      throw new IllegalArgumentException(
          "\"" + name + "\" is no dataset's address; expected hf://datasets/org/name");
    }
    boolean hasPath = parts.length == 3 && !parts[2].isEmpty();
    List<String> files = hasPath ? List.of(parts[2]) : List.of();
    return new HubDataset(new Settings(repository, false, revision, files));
  }

  /** Whether this is a local copy. */
  boolean isLocal() {
    return settings.local;
  }

  private static HubLayout find(Settings settings) {
    try {
      if (settings.local) {
        var copy = new LocalRepo(Path.of(settings.id));
        return HubLayout.find(copy, settings.config, settings.dataFiles, null);
      }
      return HubLayout.find(
          repo(settings), settings.config, settings.dataFiles, parquetCopy(settings));
    } catch (HubException e) {
      throw HubFile.failure(e);
    }
  }

  private static HubRepo repo(Settings settings) {
    Hub hub = settings.hub == null ? Hub.defaults() : settings.hub;
    HubRepo repo = hub.dataset(settings.id);
    return settings.revision == null ? repo : repo.revision(settings.revision);
  }

  /** There is one of the main branch only. */
  private static @Nullable Supplier<RemoteRepo> parquetCopy(Settings settings) {
    return settings.revision == null ? () -> repo(settings).revision(PARQUET_BRANCH) : null;
  }

  /**
   * A configuration of the dataset, which is also called subset; load_dataset's {@code name}.
   *
   * @param name of the config
   * @return a changed copy
   */
  public HubDataset config(String name) {
    return new HubDataset(settings.withConfig(name));
  }

  /**
   * The split. Without this it is {@code train}, or the only one.
   *
   * @param name of the split, such as {@code train} or {@code validation}
   * @return a changed copy
   */
  public HubDataset split(String name) {
    if (name.contains("[") || name.contains("+")) {
      throw new IllegalArgumentException(
          "split is the name of one split, not "
              + name
              + ". Use skip and take for a part of it, Datasets.concat for several");
    }
    return new HubDataset(settings.withSplit(name));
  }

  /**
   * The branch, tag or commit. Without this it is the main branch.
   *
   * @param revision name of it
   * @return a changed copy
   */
  public HubDataset revision(String revision) {
    return new HubDataset(settings.withRevision(revision));
  }

  /**
   * The files to read instead of those that the card or their names tell; all of them are the split
   * {@code train}.
   *
   * @param globs paths in the repository, with wildcards
   * @return a changed copy
   */
  public HubDataset dataFiles(String... globs) {
    return new HubDataset(settings.withDataFiles(List.of(globs)));
  }

  /**
   * The Hub to read from, with its endpoint, token and cache. Without this it is the one that the
   * environment variables say.
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
   * @throws DatasetException if they cannot be found out
   */
  public List<String> splits() {
    return List.copyOf(layout.get().names());
  }

  /**
   * The names of the configs.
   *
   * @return the names, at least one
   * @throws DatasetException if they cannot be found out
   */
  public List<String> configs() {
    try {
      return settings.local
          ? HubLayout.configs(new LocalRepo(Path.of(settings.id)), null)
          : HubLayout.configs(repo(settings), parquetCopy(settings));
    } catch (HubException e) {
      throw HubFile.failure(e);
    }
  }

  /**
   * The rows of the split, to choose from.
   *
   * @return the dataset as a table
   */
  public TableDataset rows() {
    return new TableDataset(describe(), source, false);
  }

  /**
   * As {@link TableDataset#columns}.
   *
   * @return type by name
   */
  public Map<String, String> columns() {
    return rows().columns();
  }

  /**
   * As {@link TableDataset#text}.
   *
   * @param column name of the column
   * @return the dataset
   */
  public TableDataset text(String column) {
    return rows().text(column);
  }

  /**
   * As {@link TableDataset#where(String, Object)}.
   *
   * @param column name of the column
   * @param value text, a number or a boolean
   * @return the smaller dataset
   */
  public TableDataset where(String column, Object value) {
    return rows().where(column, value);
  }

  /**
   * As {@link TableDataset#where(String, Predicate)}.
   *
   * @param column name of the column
   * @param test of a value, or of null where the row has none; true = keep
   * @return the smaller dataset
   */
  public TableDataset where(String column, Predicate<@Nullable Object> test) {
    return rows().where(column, test);
  }

  /**
   * As {@link TableDataset#shuffle}.
   *
   * @param buffer rows in the window
   * @param seed of the random numbers
   * @return the shuffled dataset
   */
  public TableDataset shuffle(int buffer, long seed) {
    return rows().shuffle(buffer, seed);
  }

  /**
   * As {@link TableDataset#skip}.
   *
   * @param count how many, at least 0
   * @return the smaller dataset
   */
  public TableDataset skip(long count) {
    return rows().skip(count);
  }

  /**
   * As {@link TableDataset#take}.
   *
   * @param count how many at most, at least 0
   * @return the smaller dataset, always finite
   */
  public TableDataset take(long count) {
    return rows().take(count);
  }

  /**
   * As {@link TableDataset#shard}.
   *
   * @param count workers, at least 1
   * @param index of this worker, from 0
   * @return the part
   */
  public TableDataset shard(int count, int index) {
    return rows().shard(count, index);
  }

  @Override
  public Pass open() {
    return rows().open();
  }

  @Override
  public Pass resume(DatasetPosition position) {
    return rows().resume(position);
  }

  @Override
  public Stream<String> documents() {
    return rows().documents();
  }

  @Override
  public String describe() {
    return settings.id + (settings.split == null ? "" : ", split " + settings.split);
  }
}
