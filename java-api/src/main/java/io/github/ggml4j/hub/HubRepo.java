package io.github.ggml4j.hub;

import io.github.ggml4j.hub.HubException.Reason;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A repository on the Hub at a revision. The first call that needs it finds the commit that the
 * revision stands for; all calls on this object then speak of that commit.
 *
 * <p>When the server does not answer, or with an error, the commit is the one that the revision
 * stood for at the last download, with a warning in the log. As in Python's client, such errors are
 * also those of access: a model that was downloaded stays usable when it has become private or its
 * token has expired. That there is no such revision or file is always an error.
 *
 * <p>Thread-safe.
 */
public final class HubRepo {
  /** The branch that is used unless another revision is named. */
  public static final String MAIN = "main";

  private static final System.Logger LOG = System.getLogger(HubRepo.class.getName());

  /**
   * What a revision stands for.
   *
   * @param cacheOnly whether the server is not asked for more
   * @param failure what the server answered that only the cache is left; null offline
   */
  private record Resolved(String commit, boolean cacheOnly, @Nullable HubException failure) {}

  private final HubSettings settings;
  private final Transport transport;
  private final RepoId repo;
  private final String revision;
  private final RepoApi api;
  private final HubCache cache;
  private @Nullable Resolved resolved;
  private @Nullable List<TreeEntry> tree;

  HubRepo(HubSettings settings, Transport transport, RepoId repo, String revision) {
    this.settings = settings;
    this.transport = transport;
    this.repo = repo;
    this.revision = revision;
    this.api = new RepoApi(settings, transport);
    this.cache = new HubCache(settings.cache(), repo);
  }

  /**
   * The same repository at a branch, a tag or a commit.
   *
   * @throws IllegalArgumentException when no revision can have that name
   */
  public HubRepo revision(String revision) {
    return new HubRepo(settings, transport, repo, HubPaths.checkRevision(revision));
  }

  /** Its name, as in {@code org/name}. */
  public String id() {
    return repo.id();
  }

  /** The branch, tag or commit. */
  public String revision() {
    return revision;
  }

  /**
   * The commit that the revision stands for.
   *
   * @throws HubException when there is none, or it cannot be found out
   */
  public String commit() {
    return resolve().commit();
  }

  private synchronized Resolved resolve() {
    var known = resolved;
    if (known == null) {
      known = find();
      resolved = known;
    }
    return known;
  }

  private Resolved find() {
    if (HubPaths.isCommit(revision)) {
      return new Resolved(revision, settings.offline(), null);
    }
    var cached = cache.commit(revision);
    if (settings.offline()) {
      if (cached == null) {
        throw Failures.offline(new Target(repo, revision, null).toString(), "is not in the cache");
      }
      return new Resolved(cached, true, null);
    }
    try {
      return new Resolved(
          api.commit(repo, revision, cached == null ? settings.retries() : 0), false, null);
    } catch (HubException e) {
      return lastDownload(e);
    }
  }

  /** What is left after an error of the server; throws that error when it is nothing. */
  private Resolved lastDownload(HubException e) {
    var cached = HubPaths.isCommit(revision) ? revision : cache.commit(revision);
    if (cached == null || !leavesTheCache(e.reason())) {
      throw e;
    }
    LOG.log(
        System.Logger.Level.WARNING,
        "The cache is used for " + repo + ", as of the last download: " + e.getMessage());
    return new Resolved(cached, true, e);
  }

  private static boolean leavesTheCache(Reason reason) {
    return switch (reason) {
      case UNREACHABLE, SERVER, RATE_LIMITED, REPO_NOT_FOUND, GATED, UNAUTHORIZED -> true;
      case REVISION_NOT_FOUND, ENTRY_NOT_FOUND, PROXY, OFFLINE, CHECKSUM, DISK_FULL, CACHE -> false;
    };
  }

  /** All files. See {@link #list(String)}. */
  public List<HubEntry> list() {
    return list("");
  }

  /**
   * The files under a folder and its subfolders, in the order of their paths. Folders are not
   * listed.
   *
   * @param folder a path in the repository, with {@code /} between folders; empty for all files
   * @throws HubException if the repository, the revision or the folder does not exist, cannot be
   *     reached, or needs a token
   */
  public List<HubEntry> list(String folder) {
    if (!folder.isEmpty()) {
      HubPaths.checkPath(folder);
    }
    var at = resolve();
    var known = knownTree(at.commit());
    List<HubEntry> entries;
    if (known != null) {
      entries = known.stream().map(TreeEntry::toHubEntry).toList();
    } else if (at.cacheOnly()) {
      entries = cache.cachedFiles(at.commit());
    } else if (folder.isEmpty()) {
      entries = tree(at.commit()).stream().map(TreeEntry::toHubEntry).toList();
    } else {
      entries =
          api.tree(repo, at.commit(), revision, folder).stream()
              .map(TreeEntry::toHubEntry)
              .toList();
    }
    var found =
        entries.stream()
            .filter(e -> folder.isEmpty() || e.path().startsWith(folder + "/"))
            .sorted(Comparator.comparing(HubEntry::path))
            .toList();
    if (found.isEmpty() && !folder.isEmpty()) {
      throw Failures.entryNotFound(new Target(repo, revision, folder));
    }
    return found;
  }

  private synchronized @Nullable List<TreeEntry> knownTree(String commit) {
    if (tree == null) {
      tree = cache.tree(commit);
    }
    return tree;
  }

  private synchronized List<TreeEntry> tree(String commit) {
    var known = knownTree(commit);
    if (known == null) {
      known = api.tree(repo, commit, revision, "");
      tree = known;
    }
    return known;
  }

  /**
   * Opens a file to read ranges of it without downloading it. A file that is in the cache is read
   * from there.
   *
   * @param path a path in the repository, with {@code /} between folders
   * @throws HubException if the file does not exist, cannot be reached, or needs a token
   */
  public RangeReader open(String path) {
    var target = new Target(repo, revision, HubPaths.checkPath(path));
    var at = resolve();
    var pointer = cache.pointer(at.commit(), path);
    if (Files.isRegularFile(pointer)) {
      try {
        return new LocalRangeReader(id() + "/" + path, pointer);
      } catch (IOException e) {
        throw Failures.cache(pointer, e);
      }
    }
    if (at.cacheOnly()) {
      throw notCached(at, target);
    }
    var file = FileMetadata.of(settings, transport, target, at.commit());
    if (file.size() < 0) {
      throw Failures.nonsense(file.location(), target, "it does not tell the size of the file");
    }
    return new HttpRangeReader(settings, transport, target, at.commit(), file);
  }

  /**
   * The path of a file in the cache. Downloads the file if it is not in the cache.
   *
   * @param path a path in the repository, with {@code /} between folders
   * @throws HubException if the file does not exist, cannot be reached, needs a token, or does not
   *     arrive intact
   */
  public Path file(String path) {
    var target = new Target(repo, revision, HubPaths.checkPath(path));
    var at = resolve();
    var pointer = cache.pointer(at.commit(), path);
    if (Files.isRegularFile(pointer)) {
      return pointer;
    }
    if (at.cacheOnly()) {
      throw notCached(at, target);
    }
    var progress = new Progress(settings.progress());
    progress.add(path, -1);
    var download = new FileDownload(settings, transport, cache, target, at.commit(), progress);
    FileMetadata remote;
    try {
      remote = download.metadata();
    } catch (HubException e) {
      var older = cache.commit(revision);
      if (older == null || !Files.isRegularFile(cache.pointer(older, path))) {
        throw e;
      }
      return cache.pointer(lastDownload(e).commit(), path);
    }
    var file = download.run(remote);
    cache.writeCommit(revision, at.commit());
    return file;
  }

  /**
   * Downloads files, several at a time, and returns the folder of the commit with them. It has the
   * files that were ever downloaded of this commit, and can be given to transformers as well.
   *
   * @param patterns which files, as in {@code *.json} or {@code data/}; none for all. {@code *}
   *     stands for anything, slashes too.
   * @throws HubException when one cannot be downloaded, or offline when one is not in the cache;
   *     what was downloaded stays for the next try
   */
  public Path download(String... patterns) {
    var chosen = new Patterns(List.of(patterns));
    var at = resolve();
    List<TreeEntry> known;
    try {
      known = at.cacheOnly() ? knownTree(at.commit()) : tree(at.commit());
    } catch (HubException e) {
      at = lastDownload(e);
      known = knownTree(at.commit());
    }
    if (known == null) {
      if (cache.cachedFiles(at.commit()).stream().noneMatch(e -> chosen.choose(e.path()))) {
        throw notCached(at, new Target(repo, revision, null));
      }
      return cache.snapshot(at.commit());
    }
    var entries = known.stream().filter(e -> chosen.choose(e.path())).toList();
    if (entries.isEmpty()) {
      throw Failures.entryNotFound(
          new Target(repo, revision, patterns.length == 0 ? "*" : String.join(" ", patterns)));
    }
    fetch(at, entries);
    return cache.snapshot(at.commit());
  }

  /**
   * Downloads the files that a model needs: its configuration, its tokenizer, and its weights in
   * one format, safetensors before PyTorch's.
   *
   * @return the folder with them, or the file, of a repository that holds a single {@code .gguf}
   *     file
   * @throws HubException when the repository has no model or several, or one cannot be downloaded;
   *     what was downloaded stays for the next try
   */
  public Path downloadModel() {
    var now = resolve();
    var files = cachedFiles(now.commit());
    boolean whole =
        now.cacheOnly()
            || ModelChoice.isWhole(files.keySet(), n -> cache.isKnownMissing(now.commit(), n));
    List<TreeEntry> listed = null;
    if (!whole) {
      try {
        listed = tree(now.commit());
      } catch (HubException e) {
        return downloadModel(lastDownload(e), null);
      }
    }
    return downloadModel(now, listed);
  }

  private Map<String, TreeEntry> cachedFiles(String commit) {
    Map<String, TreeEntry> files = new TreeMap<>();
    for (HubEntry e : cache.cachedFiles(commit)) {
      files.put(e.path(), new TreeEntry(e.path(), e.size(), e.oid(), null, null));
    }
    return files;
  }

  /**
   * Downloads a model.
   *
   * @param known the files of the repository; null when those of the cache make the model
   */
  private Path downloadModel(Resolved at, @Nullable List<TreeEntry> known) {
    var files = cachedFiles(at.commit());
    if (known != null) {
      files.clear();
      known.stream().filter(e -> e.path().indexOf('/') < 0).forEach(e -> files.put(e.path(), e));
    }
    ModelChoice choice;
    try {
      choice = ModelChoice.of(files.keySet(), repo);
    } catch (HubException e) {
      if (at.cacheOnly()) {
        var missing = notCached(at, new Target(repo, revision, null));
        missing.addSuppressed(e);
        throw missing;
      }
      throw e;
    }
    fetch(at, pick(files, choice.files()));
    if (choice.index() != null) {
      var index = cache.pointer(at.commit(), choice.index());
      var shards = ModelChoice.shards(index, files.keySet(), repo);
      fetch(at, pick(files, shards));
    }
    if (known != null && choice.gguf() == null) {
      ModelChoice.known().stream()
          .filter(name -> !files.containsKey(name))
          .forEach(name -> cache.markMissing(at.commit(), name));
    }
    return choice.gguf() == null
        ? cache.snapshot(at.commit())
        : cache.pointer(at.commit(), choice.gguf());
  }

  /** Publishes a folder. See {@link #pushToHub(Path, Consumer)}. */
  public PushedCommit pushToHub(Path folder) {
    return pushToHub(folder, _ -> {});
  }

  /**
   * Publishes the files of a folder as one commit on the revision, which must be a branch. The
   * repository is made when it does not exist. Files that are there already with the same content
   * are not sent again; nothing is removed.
   *
   * @param folder as Hugging Face's {@code save_pretrained} writes it, or with a {@code .gguf} file
   * @param options as in {@code p -> p.message("Epoch 3").isPrivate(true)}
   * @throws IllegalArgumentException when there is nothing to publish, or the repository's name has
   *     no account before the slash
   * @throws HubException without a token that may write, offline, or when it does not work
   */
  public PushedCommit pushToHub(Path folder, Consumer<PushOptions> options) {
    var chosen = new PushOptions();
    options.accept(chosen);
    if (repo.id().indexOf('/') < 0) {
      throw new IllegalArgumentException(
          "To publish, give the account too: account/" + repo.id() + " instead of " + repo.id());
    }
    if (settings.offline()) {
      throw Failures.offline(repo.toString(), "cannot be published");
    }
    if (!transport.hasToken()) {
      throw new HubException(
          Reason.UNAUTHORIZED,
          "To publish " + repo + ", an access token that may write is needed. " + Failures.LOG_IN);
    }
    return new Push(settings, transport, repo, revision, chosen).run(folder, hasCard());
  }

  private boolean hasCard() {
    try {
      var fresh = api.commit(repo, revision, settings.retries());
      return api.tree(repo, fresh, revision, "").stream()
          .anyMatch(e -> e.path().equals("README.md"));
    } catch (HubException e) {
      if (e.reason() == Reason.REPO_NOT_FOUND || e.reason() == Reason.REVISION_NOT_FOUND) {
        return false;
      }
      throw e;
    }
  }

  private static List<TreeEntry> pick(Map<String, TreeEntry> files, List<String> names) {
    List<TreeEntry> picked = new ArrayList<>();
    for (String name : names) {
      picked.add(Objects.requireNonNull(files.get(name)));
    }
    return picked;
  }

  /** Downloads what is not there, or says what is not there. */
  private void fetch(Resolved at, List<TreeEntry> entries) {
    if (at.cacheOnly()) {
      for (TreeEntry entry : entries) {
        if (!Files.isRegularFile(cache.pointer(at.commit(), entry.path()))) {
          throw notCached(at, new Target(repo, revision, entry.path()));
        }
      }
      return;
    }
    new SnapshotDownload(settings, transport, cache, repo, revision, at.commit()).run(entries);
    // Only now: an older commit that is whole is better than a new one that is not
    cache.writeCommit(revision, at.commit());
    if (tree != null && entries.size() == tree.size()) {
      // Python takes a folder for damaged that lacks files of such a list
      cache.writeTree(at.commit(), tree);
    }
  }

  private HubException notCached(Resolved at, Target target) {
    if (target.path() != null && cache.isKnownMissing(at.commit(), target.path())) {
      return Failures.entryNotFound(target);
    }
    return at.failure() == null
        ? Failures.offline(target.toString(), "is not in the cache")
        : Failures.notCached(target, at.failure());
  }

  @Override
  public String toString() {
    return repo + " at " + revision;
  }
}
