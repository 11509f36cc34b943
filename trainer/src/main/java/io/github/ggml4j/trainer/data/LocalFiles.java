package io.github.ggml4j.trainer.data;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Finds local files by names, folders and globs. */
final class LocalFiles {

  private LocalFiles() {}

  /** All files that are named, at least one for each name. */
  static List<RowFile> find(TableFormat format, List<String> names) {
    List<RowFile> files = new ArrayList<>();
    for (String name : names) {
      find(format, name).forEach(path -> files.add(new LocalFile(path)));
    }
    return files;
  }

  private static List<Path> find(TableFormat format, String name) {
    if (!isGlob(name) || Files.exists(Path.of(name))) {
      Path path = Path.of(name);
      return Files.isDirectory(path) ? inFolder(format, path) : List.of(path);
    }
    int firstWildcard = name.replaceAll("[*?\\[{].*", "").length();
    int slash = name.lastIndexOf('/', firstWildcard);
    Path folder = Path.of(slash < 0 ? "" : slash == 0 ? "/" : name.substring(0, slash));
    return Folder.find(folder, Glob.ofPath(name.substring(slash + 1)));
  }

  private static List<Path> inFolder(TableFormat format, Path folder) {
    List<Path> files =
        Folder.find(folder, new Glob("**")).stream()
            .filter(file ->
                TableFormat.ofName(file.getFileName().toString())
                    .filter(format::equals)
                    .isPresent())
            .toList();
    if (files.isEmpty()) {
      throw new DatasetException("No " + format.id() + " file in the folder " + folder);
    }
    return files;
  }

  private static boolean isGlob(String name) {
    return name.matches("(?s).*[*?\\[{].*");
  }
}
