package io.github.ggml4j.trainer.data.internal.files;

import io.github.ggml4j.trainer.error.DatasetException;
import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** Finds the files of a folder that match a glob, sorted by path. */
public final class Folder {

  private Folder() {}

  /**
   * The files under a folder whose path relative to the folder matches. Symbolic links to folders
   * are not followed.
   *
   * @throws DatasetException if there is no such folder or no file matches
   */
  public static List<Path> find(Path folder, Glob glob) {
    if (!Files.isDirectory(folder)) {
      throw new DatasetException(
          (Files.exists(folder) ? "Not a folder: " : "No such folder: ") + folder);
    }
    record Found(String name, Path file) {}
    List<Found> found = new ArrayList<>();
    int[] seen = {0};
    try {
      Files.walkFileTree(
          folder,
          new SimpleFileVisitor<Path>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
              seen[0]++;
              // Links to files are read. Links to folders are not followed: they could form a
              // cycle.
              boolean regular =
                  attributes.isSymbolicLink()
                      ? Files.isRegularFile(file)
                      : attributes.isRegularFile();
              String name = folder.relativize(file).toString().replace('\\', '/');
              if (regular && glob.matches(name)) {
                found.add(new Found(name, file));
              }
              return FileVisitResult.CONTINUE;
            }
          });
    } catch (IOException e) {
      throw InputFiles.unreadable(folder.toString(), e);
    }
    if (found.isEmpty()) {
      throw new DatasetException(
          "No file in " + folder + " matches " + glob + " (" + seen[0] + " files seen)");
    }
    found.sort(Comparator.comparing(Found::name));
    return found.stream().map(Found::file).toList();
  }
}
