package io.github.ggml4j.hub;

import io.github.ggml4j.format.ModelFormatException;
import io.github.ggml4j.format.internal.Json;
import io.github.ggml4j.format.internal.PythonJson;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The cache of one repository, in the layout of Python's {@code huggingface_hub}:
 *
 * <pre>
 * models--org--name/
 *   blobs/ETAG                        the contents
 *   snapshots/COMMIT/PATH             symbolic links to them, or copies where there are no links
 *   refs/REVISION                     the commit that a branch or tag stood for
 *   .no_exist/COMMIT/PATH             an empty file for each file known to be missing
 *   trees/COMMIT.json                 the list of all files of a commit
 * </pre>
 *
 * <p>Everything appears by a rename, so that no lock is needed for correctness: Python's locks do
 * not exclude Java's.
 */
final class HubCache {
  private static final System.Logger LOG = System.getLogger(HubCache.class.getName());
  private static final String TAG =
      """
      Signature: 8a477f597d28d172789f06886806bc55
      # A cache of files from the Hugging Face Hub, made by ggml4j.
      # What this file is for: https://bford.info/cachedir/
      """;
  private static final long TREE_FORMAT = 1;

  private final Path root;
  private final Path folder;

  HubCache(Path root, RepoId repo) {
    this.root = root;
    this.folder = root.resolve(repo.folder());
  }

  Path snapshot(String commit) {
    return folder.resolve("snapshots").resolve(commit);
  }

  /** Where a file of a commit is, or would be. */
  Path pointer(String commit, String path) {
    var snapshot = snapshot(commit);
    var pointer = snapshot.resolve(path).normalize();
    if (!HubPaths.isInside(path) || !pointer.startsWith(snapshot) || pointer.equals(snapshot)) {
      throw new IllegalArgumentException("The path leads out of the cache: " + path);
    }
    return pointer;
  }

  Path blob(String etag) {
    return folder.resolve("blobs").resolve(etag);
  }

  /** The commit that a revision stood for at the last download; null when it is not known. */
  @Nullable String commit(String revision) {
    var file = ref(revision);
    try {
      if (!Files.isRegularFile(file) || Files.size(file) > 256) {
        return null;
      }
      var commit = Files.readString(file, StandardCharsets.UTF_8).strip();
      return HubPaths.isCommitName(commit) ? commit : null;
    } catch (IOException e) {
      LOG.log(System.Logger.Level.WARNING, "Cannot read " + file, e);
      return null;
    }
  }

  void writeCommit(String revision, String commit) {
    if (revision.equals(commit) || commit.equals(commit(revision))) {
      return;
    }
    var file = ref(revision);
    try {
      write(file, commit.getBytes(StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw Failures.cache(file, e);
    }
  }

  private Path ref(String revision) {
    return folder.resolve("refs").resolve(HubPaths.checkRevision(revision));
  }

  boolean isKnownMissing(String commit, String path) {
    return Files.exists(missing(commit, path));
  }

  /** Remembers that a commit has no such file; a cache that cannot be written does not matter. */
  void markMissing(String commit, String path) {
    var file = missing(commit, path);
    try {
      if (!Files.exists(file)) {
        write(file, new byte[0]);
      }
    } catch (IOException e) {
      LOG.log(System.Logger.Level.DEBUG, "Cannot write " + file, e);
    }
  }

  private Path missing(String commit, String path) {
    return folder.resolve(".no_exist").resolve(commit).resolve(HubPaths.checkPath(path));
  }

  /** The list of all files of a commit; null when it is not here, or damaged. */
  @Nullable List<TreeEntry> tree(String commit) {
    var file = treeFile(commit);
    if (!Files.isRegularFile(file)) {
      return null;
    }
    try {
      var json = Json.readObject(file);
      if (!(json.get("format_version") instanceof Long version && version == TREE_FORMAT)
          || !(json.get("files") instanceof Map<?, ?> files)) {
        return null;
      }
      List<TreeEntry> entries = new ArrayList<>();
      for (var item : files.entrySet()) {
        var entry =
            item.getValue() instanceof Map<?, ?> map
                ? TreeEntry.ofCache(String.valueOf(item.getKey()), map)
                : null;
        if (entry == null) {
          return null;
        }
        entries.add(entry);
      }
      return entries;
    } catch (ModelFormatException | UncheckedIOException e) {
      LOG.log(System.Logger.Level.DEBUG, "The list of files is left out: " + file, e);
      return null;
    }
  }

  /** Keeps the list of all files of a commit, to the letter as Python would. */
  void writeTree(String commit, List<TreeEntry> entries) {
    var json = new StringBuilder("{\n \"format_version\": " + TREE_FORMAT + ",\n \"files\": {");
    var separator = "";
    for (TreeEntry entry :
        entries.stream().sorted(Comparator.comparing(TreeEntry::path)).toList()) {
      json.append(separator).append("\n  ").append(PythonJson.quote(entry.path())).append(": {");
      var comma = "";
      for (var field : entry.toCache().entrySet()) {
        var value = field.getValue();
        json.append(comma).append("\n   \"").append(field.getKey()).append("\": ");
        json.append(value instanceof String text ? PythonJson.quote(text) : value);
        comma = ",";
      }
      json.append("\n  }");
      separator = ",";
    }
    var file = treeFile(commit);
    try {
      write(file, json.append("\n }\n}").toString().getBytes(StandardCharsets.UTF_8));
    } catch (IOException e) {
      LOG.log(System.Logger.Level.DEBUG, "Cannot write " + file, e);
    }
  }

  private Path treeFile(String commit) {
    return folder.resolve("trees").resolve(commit + ".json");
  }

  /** The files of a commit that are here. */
  List<HubEntry> cachedFiles(String commit) {
    var snapshot = snapshot(commit);
    if (!Files.isDirectory(snapshot)) {
      return List.of();
    }
    try (Stream<Path> paths = Files.walk(snapshot)) {
      List<HubEntry> entries = new ArrayList<>();
      for (Path file : (Iterable<Path>) paths.sorted()::iterator) {
        if (Files.isRegularFile(file)) {
          var name = snapshot.relativize(file).toString().replace('\\', '/');
          var oid = file.toRealPath().getFileName().toString();
          entries.add(new HubEntry(name, Files.size(file), oid));
        }
      }
      return entries;
    } catch (IOException e) {
      throw Failures.cache(snapshot, e);
    }
  }

  /** Makes the folders that a download needs. */
  void prepare() throws IOException {
    Files.createDirectories(folder.resolve("blobs"));
    var tag = root.resolve("CACHEDIR.TAG");
    if (!Files.exists(tag)) {
      write(tag, TAG.getBytes(StandardCharsets.UTF_8));
    }
  }

  /** Gives a content its place in a commit. */
  void link(Path blob, Path pointer) throws IOException {
    var parent = Objects.requireNonNull(pointer.getParent());
    Files.createDirectories(parent);
    var temporary = temporary(pointer);
    try {
      linkOrCopy(parent.relativize(blob), blob, temporary);
      rename(temporary, pointer);
    } finally {
      Files.deleteIfExists(temporary);
    }
  }

  private static void linkOrCopy(Path target, Path blob, Path link) throws IOException {
    try {
      Files.createSymbolicLink(link, target);
    } catch (UnsupportedOperationException | IOException e) {
      // Windows without the right to make links
      LOG.log(System.Logger.Level.DEBUG, "No links in the cache, copying " + blob, e);
      Files.copy(blob, link, StandardCopyOption.REPLACE_EXISTING);
    }
  }

  private static void write(Path file, byte[] content) throws IOException {
    Files.createDirectories(file.getParent());
    var temporary = temporary(file);
    try {
      Files.write(temporary, content);
      rename(temporary, file);
    } finally {
      Files.deleteIfExists(temporary);
    }
  }

  private static Path temporary(Path file) {
    var unique = UUID.randomUUID().toString().substring(0, 8);
    return file.resolveSibling(file.getFileName() + "." + unique + ".tmp");
  }

  static void rename(Path from, Path to) throws IOException {
    try {
      Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
    } catch (AtomicMoveNotSupportedException | FileAlreadyExistsException e) {
      Files.move(from, to, StandardCopyOption.REPLACE_EXISTING);
    } catch (NoSuchFileException e) {
      if (!Files.exists(to)) {
        throw e;
      }
    }
  }
}
