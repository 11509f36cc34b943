package io.github.ggml4j.trainer.data.internal.rows;

import io.github.ggml4j.trainer.data.internal.files.Folder;
import io.github.ggml4j.trainer.data.internal.files.Glob;
import io.github.ggml4j.trainer.data.internal.files.LocalFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Determines how a local path is read. */
public final class PathFiles {

  private PathFiles() {}

  /**
   * The files of a path: a table, a text file, an archive, or the files of a folder.
   *
   * @param glob which files of a folder or entries of an archive
   */
  public static List<RowInput> of(Path path, String glob) {
    if (Files.isDirectory(path)) {
      return inFolder(path, new Glob(glob));
    }
    String name = path.toString();
    if (name.toLowerCase(Locale.ROOT).matches(".*\\.(zip|jar)")) {
      return List.of(new ZipArchive(path, new Glob(glob), false));
    }
    return List.of(FolderFormats.format(name).file(new LocalFile(path)));
  }

  /** An archive in which each entry is a document. */
  public static RowInput documentsOf(Path archive, String glob) {
    return new ZipArchive(archive, new Glob(glob), true);
  }

  private static List<RowInput> inFolder(Path folder, Glob glob) {
    List<String> names =
        Folder.find(folder, glob).stream()
            .map(file -> folder.relativize(file).toString().replace('\\', '/'))
            .toList();
    List<RowInput> files = new ArrayList<>();
    FolderFormats.of(folder.toString(), names)
        .forEach((name, format) -> files.add(format.file(new LocalFile(folder.resolve(name)))));
    return files;
  }
}
