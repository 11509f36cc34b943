package io.github.ggml4j.trainer.data.internal.rows;

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
   * The tables of a folder if most of its files are tables, else its other files as documents. The
   * files that are not read are logged.
   */
  private static List<RowFile> inFolder(Path folder, Glob glob) {
    List<Path> files = Folder.find(folder, glob);
    List<Path> data = files.stream().filter(file -> !isAbout(file)).toList();
    long tables = data.stream().filter(file -> format(file).isTable()).count();
    if (tables > 0 && tables >= data.size() - tables) {
      warnOfSkipped(folder, "tables", files, file -> !format(file).isTable() || isAbout(file));
      return data.stream()
          .filter(file -> format(file).isTable())
          .map(file -> format(file).file(new LocalFile(file)))
          .toList();
    }
    // JSON files belong to many source trees; the other tables are no documents.
    Predicate<Path> isNoDocument =
        file -> format(file).isTable() && format(file) != FileFormat.JSON || isJsonLines(file);
    warnOfSkipped(folder, "documents", files, isNoDocument);
    return files.stream()
        .filter(isNoDocument.negate())
        .map(file -> FileFormat.DOCUMENT.file(new LocalFile(file)))
        .toList();
  }

  private static boolean isAbout(Path file) {
    return ABOUT.matcher(String.valueOf(file.getFileName())).matches();
  }

  private static boolean isJsonLines(Path file) {
    return format(file) == FileFormat.JSON
        && String.valueOf(file.getFileName())
            .toLowerCase(Locale.ROOT)
            .matches(".*\\.(jsonl|ndjson)(\\..*)?");
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
              + ", as most of its files are. These files are not read: "
              + Columns.names(names)
              + ". Use a glob to choose files.");
    }
  }
}
