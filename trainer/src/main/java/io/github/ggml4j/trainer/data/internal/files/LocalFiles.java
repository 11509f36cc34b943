package io.github.ggml4j.trainer.data.internal.files;

import io.github.ggml4j.trainer.error.DatasetException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Predicate;

/** Finds local files by names, folders and globs. */
public final class LocalFiles {

  private LocalFiles() {}

  /**
   * Resolves a name to at least one file: a file itself, the accepted files of a folder, or the
   * files that match a glob. The files of a folder or glob are sorted by path.
   *
   * @param name a file, a folder or a glob
   * @param accepted tests the names of the files of a folder
   * @param kind the accepted kind of file, for messages
   * @throws DatasetException if there are none
   */
  public static List<Path> find(String name, Predicate<String> accepted, String kind) {
    Path path = isGlob(name) ? null : Path.of(name);
    if (path == null && Files.exists(Path.of(name))) {
      path = Path.of(name);
    }
    if (path == null) {
      return matching(name);
    }
    return Files.isDirectory(path) ? inFolder(path, accepted, kind) : List.of(path);
  }

  private static List<Path> matching(String glob) {
    int firstWildcard = glob.replaceAll("(?s)[*?\\[{].*", "").length();
    int slash = glob.lastIndexOf('/', firstWildcard);
    Path folder = Path.of(slash < 0 ? "" : slash == 0 ? "/" : glob.substring(0, slash));
    return Folder.find(folder, Glob.ofPath(glob.substring(slash + 1)));
  }

  private static List<Path> inFolder(Path folder, Predicate<String> accepted, String kind) {
    List<Path> files =
        Folder.find(folder, new Glob("**")).stream()
            .filter(file -> accepted.test(file.getFileName().toString()))
            .toList();
    if (files.isEmpty()) {
      throw new DatasetException("No " + kind + " file in the folder " + folder);
    }
    return files;
  }

  private static boolean isGlob(String name) {
    return name.matches("(?s).*[*?\\[{].*");
  }
}
