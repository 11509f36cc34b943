package io.github.ggml4j.trainer.data.internal.rows;

import io.github.ggml4j.trainer.data.internal.files.Compression;
import io.github.ggml4j.trainer.data.internal.files.Folder;
import io.github.ggml4j.trainer.data.internal.files.Glob;
import io.github.ggml4j.trainer.data.internal.files.LocalFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.function.Predicate;
import java.util.regex.Pattern;

/** Chooses how a local path is read, by its kind and name. */
public final class PathFiles {

  private static final System.Logger LOG = System.getLogger(PathFiles.class.getName());

  /** Files beside tables that describe them. */
  private static final Pattern ABOUT =
      Pattern.compile(
          "(readme|licen[cs]e|notice|citation|authors|changelog|contributing)([._-].*)?"
              + "|dataset_infos?\\.json|dataset_dict\\.json",
          Pattern.CASE_INSENSITIVE);

  private PathFiles() {}

  /**
   * The files of rows that a path stands for: a table, an archive, a text file, or those of a
   * folder.
   *
   * @param glob which files of a folder or entries of an archive
   */
  public static List<RowFile> of(Path path, String glob) {
    if (Files.isDirectory(path)) {
      return inFolder(path, new Glob(glob));
    }
    String name = path.toString().toLowerCase(Locale.ROOT);
    if (name.endsWith(".zip") || name.endsWith(".jar")) {
      return List.of(archive(path, glob));
    }
    FileFormat format = format(path);
    return List.of((format.isTable() ? format : FileFormat.DOCUMENT).file(new LocalFile(path)));
  }

  /** The entries of an archive as documents. */
  public static RowFile archive(Path path, String glob) {
    return new ZipRows.Archive(path, new Glob(glob));
  }

  private static FileFormat format(Path file) {
    return FileFormat.ofName(String.valueOf(file.getFileName()))
        .filter(FileFormat::isTable)
        .orElse(FileFormat.DOCUMENT);
  }

  /**
   * The tables of a folder if at least half of its files are tables, else its other files as
   * documents. The files that are not read are logged. A {@code .json} file, which source trees
   * have too, is a document if the folder is read as documents, and does not count unless the
   * folder has nothing else.
   */
  private static List<RowFile> inFolder(Path folder, Glob glob) {
    List<Path> files = Folder.find(folder, glob);
    List<Path> data = files.stream().filter(file -> !isAbout(file)).toList();
    long tables = data.stream().filter(PathFiles::isOnlyTable).count();
    long documents = data.stream().filter(file -> !format(file).isTable()).count();
    if (!data.isEmpty() && tables >= documents) {
      warnOfSkipped(folder, "tables", files, file -> !format(file).isTable() || isAbout(file));
      return data.stream()
          .filter(file -> format(file).isTable())
          .map(file -> format(file).file(new LocalFile(file)))
          .toList();
    }
    warnOfSkipped(folder, "documents", files, PathFiles::isOnlyTable);
    return files.stream()
        .filter(file -> !isOnlyTable(file))
        .map(file -> FileFormat.DOCUMENT.file(new LocalFile(file)))
        .toList();
  }

  /** Whether a file is a table and not a JSON file that may be a document. */
  private static boolean isOnlyTable(Path file) {
    String name = Compression.withoutEnding(String.valueOf(file.getFileName()));
    return format(file).isTable() && !name.toLowerCase(Locale.ROOT).endsWith(".json");
  }

  private static boolean isAbout(Path file) {
    return ABOUT.matcher(String.valueOf(file.getFileName())).matches();
  }

  private static void warnOfSkipped(
      Path folder, String kind, List<Path> files, Predicate<Path> skipped) {
    List<String> names =
        files.stream().filter(skipped).map(file -> folder.relativize(file).toString()).toList();
    if (!names.isEmpty()) {
      LOG.log(
          System.Logger.Level.WARNING,
          folder
              + " is read as "
              + kind
              + ", the kind of most of its files. These files are not read: "
              + Columns.names(names)
              + ". Use a glob to choose files.");
    }
  }
}
