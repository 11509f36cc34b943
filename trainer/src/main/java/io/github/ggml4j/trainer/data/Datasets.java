package io.github.ggml4j.trainer.data;

import io.github.ggml4j.error.InvalidArgumentException;
import io.github.ggml4j.trainer.data.internal.files.Folder;
import io.github.ggml4j.trainer.data.internal.files.Glob;
import io.github.ggml4j.trainer.data.internal.files.LocalFile;
import io.github.ggml4j.trainer.data.internal.files.LocalFiles;
import io.github.ggml4j.trainer.data.internal.rows.FileFormat;
import io.github.ggml4j.trainer.data.internal.rows.PathFiles;
import io.github.ggml4j.trainer.data.internal.rows.RowInput;
import io.github.ggml4j.trainer.data.internal.rows.RowSource;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/**
 * Creates datasets from files, folders, archives and memory. A file is opened when the previous one
 * ends. Files whose name ends in {@code .gz} or {@code .zst} are decompressed; a file that
 * decompresses to far more than its size is an error.
 *
 * <pre>{@code
 * Dataset code = Datasets.folder(Path.of("src"), "**}{@code /*.py");
 * Dataset books = Datasets.text(Path.of("emma.txt"), Path.of("moby_dick.txt.gz"));
 * Dataset chats = Datasets.open(Path.of("chats.jsonl")).text("content");
 * }</pre>
 */
public final class Datasets {

  private Datasets() {}

  /**
   * Each file is a document.
   *
   * @param files text files, at least one
   * @return the dataset, in the order given
   */
  public static RowDataset text(Path... files) {
    return ofFiles(FileFormat.DOCUMENT, files);
  }

  /**
   * Each line that is not blank is a document, without its line end.
   *
   * @param files text files, at least one
   * @return the dataset, in the order given
   */
  public static RowDataset lines(Path... files) {
    return ofFiles(FileFormat.TEXT, files)
        .where(FileFormat.TEXT_COLUMN, line -> line instanceof String text && !text.isBlank());
  }

  /**
   * Each matching file of a folder and its subfolders is a document, in the order of the paths.
   * Symbolic links to folders are not followed.
   *
   * @param folder the folder
   * @param glob which files: {@code *.py} matches names in any folder, {@code src/**}{@code
   *     /*.java} matches paths relative to the folder; names that start with a dot match only if
   *     the glob contains the dot
   * @return the dataset
   */
  public static RowDataset folder(Path folder, String glob) {
    Glob compiled = new Glob(glob);
    return new RowDataset(
        folder + "/" + glob,
        new Lazy<>(() -> source(FileFormat.DOCUMENT, Folder.find(folder, compiled))),
        true);
  }

  /**
   * Rows of table files, as Hugging Face's {@code load_dataset("csv", data_files=...)} reads them.
   * Files whose name ends in {@code .gz} or {@code .zst} are decompressed.
   *
   * <pre>{@code
   * Datasets.load("parquet", "code/*.parquet").where("language", "Python").text("code");
   * Datasets.load("csv", "export.csv").csvDelimiter(';').skipBadRecords();
   * }</pre>
   *
   * @param format {@code parquet}, {@code csv} (the first record names the columns), {@code tsv},
   *     {@code json} (JSON lines, or one array of objects) or {@code text} (each line is a row with
   *     the column {@code text})
   * @param files names of files, of folders for all files of the format in them, or globs such as
   *     {@code data/*.csv}; at least one
   * @return the dataset, in the order given; the files of a glob or folder are sorted by path
   */
  public static RowDataset load(String format, String... files) {
    FileFormat named = FileFormat.named(format);
    List<String> all = nonEmpty(List.of(files));
    return new RowDataset(names(all), new Lazy<>(() -> find(named, all)), true);
  }

  private static RowSource find(FileFormat format, List<String> names) {
    List<Path> files =
        names.stream()
            .flatMap(name ->
                LocalFiles.find(
                    name,
                    file -> FileFormat.ofName(file).filter(format::equals).isPresent(),
                    format.id())
                    .stream())
            .toList();
    return source(format, files);
  }

  /**
   * Rows of table files, as by {@link #load(String, String...)}. The paths are not globs.
   *
   * @param format {@code parquet}, {@code csv}, {@code tsv}, {@code json} or {@code text}
   * @param files at least one
   * @return the dataset, in the order given
   */
  public static RowDataset load(String format, Path... files) {
    return ofFiles(FileFormat.named(format), files);
  }

  /**
   * Each matching entry of a zip archive is a document, in the order of the names.
   *
   * @param archive a zip (or jar) file
   * @param glob which entries, as for {@link #folder}
   * @return the dataset
   */
  public static RowDataset zip(Path archive, String glob) {
    RowSource source = new RowSource(List.of(PathFiles.documentsOf(archive, glob)));
    return new RowDataset(archive + "!/" + glob, () -> source, true);
  }

  /**
   * Reads a path by its kind and name, as the command line does: {@code .parquet}, {@code .csv},
   * {@code .tsv}, {@code .json}, {@code .jsonl} and {@code .ndjson} as tables (each row a
   * document), any other file as one document. A folder, {@code .zip} or {@code .jar} archive is
   * read as tables if at least half of its files are tables, else each of its files is a document.
   *
   * @param path a file or folder
   * @return the dataset
   */
  public static RowDataset open(Path path) {
    return open(path, "**");
  }

  /**
   * Reads a path as {@link #open(Path)} does.
   *
   * @param path a file or folder
   * @param glob which files of a folder or entries of an archive; ignored for other files
   * @return the dataset
   */
  public static RowDataset open(Path path, String glob) {
    return new RowDataset(
        path.toString(), new Lazy<>(() -> new RowSource(PathFiles.of(path, glob))), true);
  }

  /**
   * Documents in memory.
   *
   * @param documents the texts
   * @return the dataset
   */
  public static RowDataset of(String... documents) {
    return of(List.of(documents));
  }

  /**
   * Documents of a collection, or of any other finite iterable.
   *
   * @param documents the texts; iterated again for each epoch
   * @return the dataset
   */
  public static RowDataset of(Iterable<String> documents) {
    return RowDataset.ofStream(
        "documents in memory", () -> StreamSupport.stream(documents.spliterator(), false), true);
  }

  /**
   * Documents of a stream, which may be infinite. The documents are neither counted in advance nor
   * kept in memory.
   *
   * @param documents opens a new stream; every stream has the same documents in the same order
   * @return the dataset
   */
  public static RowDataset stream(Supplier<Stream<String>> documents) {
    return RowDataset.ofStream("stream of documents", documents, false);
  }

  /**
   * A dataset of the Hugging Face Hub, streamed without downloading its files.
   *
   * <pre>{@code
   * Datasets.stream("codeparrot/github-code-clean").split("train")
   *     .where("language", "Python").text("code");
   * }</pre>
   *
   * @param name {@code org/name} as on the Hub, {@code hf://datasets/org/name} (optionally with
   *     {@code @revision} and the path of files or a glob after it), or the folder of a local copy
   * @return the dataset; not finite unless limited by {@code take}
   */
  public static HubDataset stream(String name) {
    return HubDataset.of(name);
  }

  /**
   * Concatenates datasets. Each is opened when the previous one ends. The text column of each is
   * called {@code text} in the result; other columns keep their names. {@link RowDataset#where}
   * needs its column in all of them.
   *
   * @param datasets at least one
   * @return the dataset; finite if all of them are
   */
  public static RowDataset concat(Dataset... datasets) {
    if (datasets.length == 0) {
      throw new InvalidArgumentException("datasets", "empty", "at least one dataset");
    }
    return RowDataset.ofDatasets(Stream.of(datasets).map(Dataset::rows).toList());
  }

  private static RowDataset ofFiles(FileFormat format, Path... files) {
    List<Path> all = nonEmpty(List.of(files));
    RowSource source = source(format, all);
    return new RowDataset(names(all), () -> source, true);
  }

  private static RowSource source(FileFormat format, List<Path> files) {
    return new RowSource(
        files.stream().<RowInput>map(file -> format.file(new LocalFile(file))).toList());
  }

  private static <T> List<T> nonEmpty(List<T> files) {
    if (files.isEmpty()) {
      throw new InvalidArgumentException("files", "empty", "at least one file");
    }
    return files;
  }

  private static String names(List<?> files) {
    String first = files.stream().limit(3).map(Object::toString).collect(Collectors.joining(", "));
    return files.size() <= 3 ? first : first + " and " + (files.size() - 3) + " more";
  }
}
