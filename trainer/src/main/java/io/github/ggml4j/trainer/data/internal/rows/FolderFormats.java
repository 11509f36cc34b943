package io.github.ggml4j.trainer.data.internal.rows;

import io.github.ggml4j.trainer.data.internal.files.Compression;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Predicate;
import java.util.regex.Pattern;

/** Chooses the files of a folder or archive to read, and their formats. */
final class FolderFormats {

  private static final System.Logger LOG = System.getLogger(FolderFormats.class.getName());

  /** Files that describe a folder, such as README.md. */
  private static final Pattern ABOUT =
      Pattern.compile(
          "(readme|licen[cs]e|notice|citation|authors|changelog|contributing)([._-].*)?"
              + "|dataset_infos?\\.json|dataset_dict\\.json",
          Pattern.CASE_INSENSITIVE);

  private FolderFormats() {}

  /**
   * If at least half of the files are tables, chooses the tables; otherwise chooses the other
   * files, as documents. Logs a warning with the files that are not read. Source trees contain
   * {@code .json} files too. Therefore these are not counted: they are read as tables if the folder
   * is, and as documents otherwise.
   *
   * @param container name of the folder or archive, for the log
   * @param names paths of its files
   * @return the format of each chosen file, in the order of the names
   */
  static Map<String, FileFormat> of(String container, List<String> names) {
    List<String> data = names.stream().filter(name -> !isAbout(name)).toList();
    long tables = data.stream().filter(FolderFormats::isOnlyTable).count();
    long documents = data.stream().filter(name -> !format(name).isTable()).count();
    if (!data.isEmpty() && tables >= documents) {
      warnOfSkipped(container, "tables", names, name -> !format(name).isTable() || isAbout(name));
      Map<String, FileFormat> formats = new LinkedHashMap<>();
      data.stream()
          .filter(name -> format(name).isTable())
          .forEach(name -> formats.put(name, format(name)));
      return formats;
    }
    warnOfSkipped(container, "documents", names, FolderFormats::isOnlyTable);
    return documents(names.stream().filter(name -> !isOnlyTable(name)).toList());
  }

  /** All files as documents. */
  static Map<String, FileFormat> documents(List<String> names) {
    Map<String, FileFormat> formats = new LinkedHashMap<>();
    names.forEach(name -> formats.put(name, FileFormat.DOCUMENT));
    return formats;
  }

  /** The format of a table; {@code DOCUMENT} for all other files. */
  static FileFormat format(String name) {
    return FileFormat.ofName(name).filter(FileFormat::isTable).orElse(FileFormat.DOCUMENT);
  }

  /** Whether a file is a table and not a JSON file that may be a document. */
  private static boolean isOnlyTable(String name) {
    String plain = Compression.withoutEnding(name).toLowerCase(Locale.ROOT);
    return format(name).isTable() && !plain.endsWith(".json");
  }

  private static boolean isAbout(String name) {
    return ABOUT.matcher(name.substring(name.lastIndexOf('/') + 1)).matches();
  }

  private static void warnOfSkipped(
      String container, String kind, List<String> names, Predicate<String> skipped) {
    List<String> left = names.stream().filter(skipped).toList();
    if (!left.isEmpty()) {
      LOG.log(
          System.Logger.Level.WARNING,
          container
              + " is read as "
              + kind
              + ", the kind of most of its files. These files are not read: "
              + Columns.names(left)
              + ". Use a glob to choose files.");
    }
  }
}
