package io.github.ggml4j.trainer.data;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/**
 * Datasets from files, folders, archives and memory. Files are opened when a pass reaches them;
 * those whose name ends in {@code .gz} or {@code .zst} are decompressed. What unpacks to far more
 * than its size is refused.
 *
 * <pre>{@code
 * Dataset code = Datasets.folder(Path.of("src"), "**}{@code /*.py");
 * Dataset books = Datasets.text(Path.of("emma.txt"), Path.of("moby_dick.txt.gz"));
 * Dataset chats = Datasets.jsonLines(Path.of("chats.jsonl"), "text");
 * }</pre>
 */
public final class Datasets {

  private Datasets() {}

  /**
   * Each file one document.
   *
   * @param files text files, at least one
   * @return the dataset, in the order given
   */
  public static FileDataset text(Path... files) {
    List<Path> all = nonEmpty(files);
    return new FileDataset(
        names(all), options -> new TextFileReader(all, options), ReadOptions.DEFAULT);
  }

  /**
   * Each line that is not blank one document, without its line end.
   *
   * @param files text files, at least one
   * @return the dataset, in the order given
   */
  public static FileDataset lines(Path... files) {
    List<Path> all = nonEmpty(files);
    return new FileDataset(
        names(all), options -> new LineFileReader(all, options), ReadOptions.DEFAULT);
  }

  /**
   * Each matching file of a folder and its subfolders one document, in the order of their paths.
   * Linked folders are not entered.
   *
   * @param folder where to look
   * @param glob which files: {@code *.py} matches by name in any folder, {@code src/**}{@code
   *     /*.java} by path relative to the folder; names starting with a dot match only where the
   *     glob spells the dot
   * @return the dataset
   */
  public static FileDataset folder(Path folder, String glob) {
    Glob compiled = new Glob(glob);
    return new FileDataset(
        folder + "/" + glob,
        options -> new TextFileReader(Folder.find(folder, compiled), options),
        ReadOptions.DEFAULT);
  }

  /**
   * Each line one JSON object, one of its fields the document. Blank lines are skipped; a line
   * without the field is an error.
   *
   * @param file JSON lines
   * @param field name of the top-level string field
   * @return the dataset
   */
  public static FileDataset jsonLines(Path file, String field) {
    return new FileDataset(
        file.toString(),
        options -> new JsonLinesReader(List.of(file), field, options),
        ReadOptions.DEFAULT);
  }

  /**
   * Rows of table files, as Hugging Face's {@code load_dataset("csv", data_files=...)} reads them.
   * Files whose name ends in {@code .gz} or {@code .zst} are decompressed.
   *
   * <pre>{@code
   * Datasets.load("parquet", "code/*.parquet").where("language", "Python").text("code");
   * Datasets.load("text", "corpus.txt.gz");
   * }</pre>
   *
   * @param format {@code parquet}, {@code csv} (comma, the first record names the columns), {@code
   *     tsv}, {@code json} (JSON lines, or one array of objects) or {@code text} (each line a row
   *     with the column {@code text})
   * @param files names of files, of folders for all files of the format in them, or globs such as
   *     {@code data/*.csv}; at least one
   * @return the dataset, in the order given, within a glob or folder by path
   */
  public static TableDataset load(String format, String... files) {
    TableFormat named = TableFormat.named(format);
    List<String> all = List.of(files);
    if (all.isEmpty()) {
      throw new IllegalArgumentException("a dataset needs at least one file");
    }
    return new TableDataset(
        names(all), new Lazy<>(() -> new TableSource(named, LocalFiles.find(named, all))), true);
  }

  /**
   * Rows of table files, as by {@link #load(String, String...)}; the names are taken as they are,
   * without globs.
   *
   * @param format {@code parquet}, {@code csv}, {@code tsv}, {@code json} or {@code text}
   * @param files at least one
   * @return the dataset, in the order given
   */
  public static TableDataset load(String format, Path... files) {
    TableFormat named = TableFormat.named(format);
    List<Path> all = nonEmpty(files);
    List<RowFile> opened = all.stream().<RowFile>map(LocalFile::new).toList();
    TableSource source = new TableSource(named, opened);
    return new TableDataset(names(all), () -> source, true);
  }

  /**
   * Each matching entry of a zip archive one document, in the order of their names.
   *
   * @param archive a zip (or jar) file
   * @param glob which entries, as for {@link #folder}
   * @return the dataset
   */
  public static FileDataset zip(Path archive, String glob) {
    Glob compiled = new Glob(glob);
    return new FileDataset(
        archive + "!/" + glob,
        options -> new ZipTextReader(archive, compiled, options),
        ReadOptions.DEFAULT);
  }

  /**
   * Chooses by what the path is: a folder (every file), {@code .zip} or {@code .jar} (every entry),
   * {@code .jsonl} or {@code .ndjson} (field {@code text}), anything else a text file.
   *
   * @param path a file or folder
   * @return the dataset
   */
  public static FileDataset open(Path path) {
    return open(path, "**", "text");
  }

  /**
   * Chooses as {@link #open(Path)}.
   *
   * @param path a file or folder
   * @param glob which files of a folder or entries of an archive
   * @param field the field of JSON lines
   * @return the dataset
   */
  public static FileDataset open(Path path, String glob, String field) {
    String name = path.toString().toLowerCase(Locale.ROOT);
    String plain = TableFormat.withoutCompression(name);
    if (Files.isDirectory(path)) {
      return folder(path, glob);
    }
    if (name.endsWith(".zip") || name.endsWith(".jar")) {
      return zip(path, glob);
    }
    if (plain.endsWith(".jsonl") || plain.endsWith(".ndjson")) {
      return jsonLines(path, field);
    }
    return text(path);
  }

  /**
   * Documents in memory.
   *
   * @param documents the texts
   * @return the dataset
   */
  public static Dataset of(String... documents) {
    return of(List.of(documents));
  }

  /**
   * Documents of a collection, or of anything else that ends and can be iterated again.
   *
   * @param documents the texts; iterated anew for each pass
   * @return the dataset
   */
  public static Dataset of(Iterable<String> documents) {
    return new SuppliedDataset(
        "documents in memory", () -> StreamSupport.stream(documents.spliterator(), false), true);
  }

  /**
   * Documents of a stream, perhaps endless; never counted ahead or held in memory as a whole.
   *
   * @param documents opens a new pass, each in the same order
   * @return the dataset
   */
  public static Dataset stream(Supplier<Stream<String>> documents) {
    return new SuppliedDataset("stream of documents", documents, false);
  }

  /**
   * A dataset of the Hugging Face Hub, read as it is needed, without downloading it.
   *
   * <pre>{@code
   * Datasets.stream("codeparrot/github-code-clean").split("train")
   *     .where("language", "Python").text("code");
   * }</pre>
   *
   * @param name {@code org/name} as on the Hub, {@code hf://datasets/org/name} (also with {@code
   *     @revision} and the path of files or a glob behind it), or the folder of a local copy
   * @return the dataset, never counted ahead or held in memory as a whole unless {@code take} makes
   *     it finite
   */
  public static HubDataset stream(String name) {
    return HubDataset.of(name);
  }

  /**
   * One dataset after the other.
   *
   * @param datasets the parts, at least one
   * @return the dataset, finite if all parts are
   */
  public static Dataset concat(Dataset... datasets) {
    if (datasets.length == 0) {
      throw new IllegalArgumentException("concat needs at least one dataset");
    }
    return new ConcatDataset(List.of(datasets));
  }

  private static List<Path> nonEmpty(Path... files) {
    if (files.length == 0) {
      throw new IllegalArgumentException("a dataset needs at least one file");
    }
    return List.of(files);
  }

  private static String names(List<?> files) {
    String first = files.stream().limit(3).map(Object::toString).collect(Collectors.joining(", "));
    return files.size() <= 3 ? first : first + " and " + (files.size() - 3) + " more";
  }
}
