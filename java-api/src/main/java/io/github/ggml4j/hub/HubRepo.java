package io.github.ggml4j.hub;

import io.github.ggml4j.error.InvalidArgumentException;
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
 * A repository on the Hub at a revision. The revision is resolved to a commit at the first call
 * that needs it; later calls on this object use the same commit.
 *
 * <p>If the server does not respond or responds with an error, the commit of the last download is
 * used, and a warning is logged. As in Python's client, this includes errors of access: a
 * downloaded model stays usable after it became private or the token expired. A revision or file
 * that does not exist is always an error.
 *
 * <p>Thread-safe.
 */
public final class HubRepo {
  /** The default branch. */
  public static final String MAIN = "main";

  private static final System.Logger LOG = System.getLogger(HubRepo.class.getName());

  /**
   * The commit of a revision.
   *
   * @param cacheOnly whether only the cache is used
   * @param failure the error because of which only the cache is used; null offline
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
   * @throws InvalidArgumentException if it is not a valid name of a revision
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
   * The commit of the revision.
   *
   * @throws HubException if there is none, or it cannot be resolved
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

  /** Falls back to the commit of the last download; rethrows the error if there is none. */
  private Resolved lastDownload(HubException e) {
    var cached = HubPaths.isCommit(revision) ? revision : cache.commit(revision);
    if (cached == null || !allowsCache(e.reason())) {
      throw e;
    }
    LOG.log(
        System.Logger.Level.WARNING,
        "Using the cached download of " + repo + ": " + e.getMessage());
    return new Resolved(cached, true, e);
  }

  private static boolean allowsCache(Reason reason) {
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
      throw Failures.badResponse(file.location(), target, "it does not tell the size of the file");
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
            || ModelChoice.isComplete(files.keySet(), n -> cache.isKnownMissing(now.commit(), n));
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
   * repository is created if it does not exist. Files that it already has with the same content are
   * not sent; no files are removed.
   *
   * @param folder as Hugging Face's {@code save_pretrained} writes it, or with a {@code .gguf} file
   * @param options as in {@code p -> p.message("Epoch 3").isPrivate(true)}
   * @throws InvalidArgumentException if there is nothing to publish, or the repository's name has
   *     no account before the slash
   * @throws HubException if there is no token with write access, in offline mode, or if publishing
   *     fails
   */
  public PushedCommit pushToHub(Path folder, Consumer<PushOptions> options) {
    var chosen = new PushOptions();
    options.accept(chosen);
    if (repo.id().indexOf('/') < 0) {
      throw new InvalidArgumentException(
          "repository",
          repo.id(),
          "account/" + repo.id(),
          "Models are published under an account.");
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

  /** Downloads the files that are not cached; without a server a missing file is an error. */
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
    // After the download: a complete older commit is better than an incomplete new one
    cache.writeCommit(revision, at.commit());
    if (tree != null && entries.size() == tree.size()) {
      // Python reports a snapshot as damaged if it lacks files of this list
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
