package io.github.ggml4j.trainer.data;

import io.github.ggml4j.error.InvalidArgumentException;
import io.github.ggml4j.internal.Check;
import io.github.ggml4j.trainer.data.internal.rows.ChainedRows;
import io.github.ggml4j.trainer.data.internal.rows.Columns;
import io.github.ggml4j.trainer.data.internal.rows.FileFormat;
import io.github.ggml4j.trainer.data.internal.rows.ReadOptions;
import io.github.ggml4j.trainer.data.internal.rows.ResumableRows;
import io.github.ggml4j.trainer.data.internal.rows.RowInput;
import io.github.ggml4j.trainer.data.internal.rows.RowReader;
import io.github.ggml4j.trainer.data.internal.rows.RowSource;
import io.github.ggml4j.trainer.data.internal.rows.RowStep;
import io.github.ggml4j.trainer.data.internal.rows.SelectedColumns;
import io.github.ggml4j.trainer.data.internal.rows.StreamInput;
import io.github.ggml4j.trainer.data.internal.rows.Values;
import io.github.ggml4j.trainer.error.DatasetException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * Rows with named columns, one of which has the text. Corresponds to {@code IterableDataset} of
 * Hugging Face's {@code datasets}. Text files, archives, lists and streams have one column, {@code
 * text}; each file, line, entry or document is a row. Rows are read lazily; for Parquet files, only
 * the used columns are read. Rows without text are skipped, with a warning that counts them.
 *
 * <p>Filters, shuffles and counts are applied in the order of the calls: {@code
 * where(...).take(10)} returns the first 10 matching rows, {@code take(10).where(...)} returns the
 * matching rows among the first 10.
 *
 * <p>Text is UTF-8. A byte order mark is skipped and line ends stay as they are. Malformed bytes
 * are an error that names the file and the byte, unless {@link #replaceMalformed} is set.
 *
 * <p>{@link #resume} skips whole files, and whole row groups of Parquet files. It reads other rows
 * before the position again and discards them, like all documents of lists and streams.
 *
 * <p>Immutable; safe for use by several threads, each with its own reader.
 */
public sealed class RowDataset implements Dataset permits HubDataset {

  private static final System.Logger LOG = System.getLogger(RowDataset.class.getName());

  private final String description;
  private final Supplier<RowSource> source;
  private final boolean finite;
  private final List<RowStep> steps;
  private final @Nullable String text;
  private final ReadOptions options;

  /** Whether the choice of the text column was logged; it is logged once, not in each epoch. */
  private final AtomicBoolean choiceLogged = new AtomicBoolean();

  private final AtomicBoolean rowsWithoutTextLogged = new AtomicBoolean();

  RowDataset(String description, Supplier<RowSource> source, boolean finite) {
    this(description, source, finite, List.of(), null, ReadOptions.DEFAULT);
  }

  private RowDataset(
      String description,
      Supplier<RowSource> source,
      boolean finite,
      List<RowStep> steps,
      @Nullable String text,
      ReadOptions options) {
    this.description = description;
    this.source = source;
    this.finite = finite;
    this.steps = steps;
    this.text = text;
    this.options = options;
  }

  /** Documents of a stream. */
  static RowDataset ofStream(String name, Supplier<Stream<String>> documents, boolean finite) {
    RowSource source = new RowSource(List.of(new StreamInput(name, documents)));
    return new RowDataset(name, () -> source, finite);
  }

  /** Several datasets in sequence. */
  static RowDataset ofDatasets(List<RowDataset> datasets) {
    RowSource source = new RowSource(datasets.stream().<RowInput>map(DatasetInput::new).toList());
    return new RowDataset(
        datasets.stream().map(RowDataset::describe).collect(Collectors.joining(" + ")),
        () -> source,
        datasets.stream().allMatch(RowDataset::finite));
  }

  /** A dataset as an input of another one, in which its text column is called {@code text}. */
  private record DatasetInput(RowDataset dataset) implements RowInput {
    @Override
    public String name() {
      return dataset.description;
    }

    @Override
    public String identity() {
      return "dataset " + dataset.fingerprint(dataset.source.get(), dataset.textColumn());
    }

    @Override
    public Set<FileFormat> formats() {
      return dataset.source.get().inputs().stream()
          .flatMap(input -> input.formats().stream())
          .collect(Collectors.toSet());
    }

    @Override
    public RowReader open(List<String> columns, ReadOptions options) {
      dataset.checkOptions(dataset.source.get());
      RowDataset changed = dataset.with(options.orElse(dataset.options));
      String textColumn = dataset.textColumn();
      List<String> wanted =
          columns.stream()
              .map(column -> column.equals(FileFormat.TEXT_COLUMN) ? textColumn : column)
              .toList();
      List<String> read = changed.columnsToRead(textColumn, wanted);
      return new SelectedColumns(
          changed.openRows(read), wanted.stream().map(read::indexOf).toList());
    }

    @Override
    public Map<String, String> columns(ReadOptions options) {
      Map<String, String> found = dataset.source.get().columns(options.orElse(dataset.options));
      String textColumn = dataset.textColumn();
      Map<String, String> columns = new LinkedHashMap<>();
      found.forEach((name, type) -> {
        if (name.equals(textColumn)) {
          columns.put(FileFormat.TEXT_COLUMN, type);
        } else if (!name.equals(FileFormat.TEXT_COLUMN)) {
          columns.put(name, type);
        }
      });
      return columns;
    }
  }

  private RowDataset with(RowStep step) {
    List<RowStep> more = new ArrayList<>(steps);
    more.add(step);
    boolean limited = step instanceof RowStep.Take;
    return new RowDataset(description, source, finite || limited, List.copyOf(more), text, options);
  }

  private RowDataset with(ReadOptions changed) {
    return new RowDataset(description, source, finite, steps, text, changed);
  }

  /**
   * The column that contains the documents. Default: the column {@code text}, or else the only
   * column of text, which is logged.
   *
   * @param column name of the column
   * @return a changed copy
   */
  public RowDataset text(String column) {
    return new RowDataset(description, source, finite, steps, column, options);
  }

  /**
   * Keeps the rows with this value.
   *
   * @param column name of the column
   * @param value text, a number or a boolean
   * @return the filtered dataset
   */
  public RowDataset where(String column, Object value) {
    return with(new RowStep.Where(column, " = " + value, cell -> Values.equal(cell, value)));
  }

  /**
   * Keeps the rows whose value passes a test.
   *
   * @param column name of the column
   * @param test gets a String, Long, Double or Boolean, or null if the row has no value; true =
   *     keep
   * @return the filtered dataset
   */
  public RowDataset where(String column, Predicate<@Nullable Object> test) {
    return with(new RowStep.Where(column, " passes a test", test));
  }

  /**
   * Keeps the documents that pass a test.
   *
   * @param test true = keep
   * @return the filtered dataset
   */
  public RowDataset filter(Predicate<? super String> test) {
    return with(new RowStep.Filter(test));
  }

  /**
   * Changes each document. Later steps see the new text as the value of the text column.
   *
   * @param change returns the new text of a document
   * @return the changed dataset
   */
  public RowDataset map(UnaryOperator<String> change) {
    return with(new RowStep.Change(change));
  }

  /**
   * Shuffles the rows within a window: each returned row is drawn at random from the next {@code
   * buffer} rows. The same seed gives the same order.
   *
   * @param buffer number of rows in the window, all kept in memory; at least 1
   * @param seed of the random numbers
   * @return the shuffled dataset
   */
  public RowDataset shuffle(int buffer, long seed) {
    return with(new RowStep.Shuffle(Check.atLeast("buffer", buffer, 1), seed));
  }

  /**
   * Skips the first rows. If this is the first step, row groups of Parquet files that are skipped
   * entirely are not read.
   *
   * @param count number of rows to skip, at least 0
   * @return the remaining rows
   */
  public RowDataset skip(long count) {
    return with(new RowStep.Skip(Check.atLeast("skip", count, 0)));
  }

  /**
   * Keeps only the first rows.
   *
   * @param count maximum number of rows, at least 0
   * @return the limited dataset, always finite
   */
  public RowDataset take(long count) {
    return with(new RowStep.Take(Check.atLeast("take", count, 0)));
  }

  /**
   * The rows of one of several workers. Each row belongs to exactly one worker. A worker gets whole
   * files if the number of files is a multiple of the number of workers and no earlier step skips,
   * takes or shuffles rows. Otherwise, and in a concatenation, it reads all rows and keeps every
   * {@code count}-th.
   *
   * @param count number of workers, at least 1
   * @param index of this worker, from 0
   * @return the rows of the worker
   */
  public RowDataset shard(int count, int index) {
    Check.atLeast("count", count, 1);
    return with(new RowStep.Shard(count, Check.between("index", index, 0, count - 1)));
  }

  /**
   * Replaces malformed UTF-8 with U+FFFD. By default it is an error.
   *
   * @return a changed copy
   */
  public RowDataset replaceMalformed() {
    return with(options.withReplaceMalformed());
  }

  /**
   * Maximum size of a document, line or record; each is kept in memory as a whole. A longer one is
   * an error. The default is 64 MiB.
   *
   * @param bytes size in bytes, at least 1
   * @return a changed copy
   */
  public RowDataset maxDocumentBytes(int bytes) {
    return with(options.withMaxDocumentBytes(Check.atLeast("maxDocumentBytes", bytes, 1)));
  }

  /**
   * Skips, counts and logs broken records of CSV files and broken lines of JSON lines files. By
   * default they are an error.
   *
   * @return a changed copy
   */
  public RowDataset skipBadRecords() {
    return with(options.withSkipBadRecords());
  }

  /**
   * The delimiter between the fields of CSV files. The default is a comma; for {@code .tsv} files,
   * a tab.
   *
   * @param delimiter the character, not a line end and not the quote
   * @return a changed copy
   */
  public RowDataset csvDelimiter(char delimiter) {
    return withCsv(delimiter, options.csvQuote());
  }

  /**
   * The character that quotes fields of CSV files. The default is a double quote.
   *
   * @param quote the character, not a line end and not the delimiter
   * @return a changed copy
   */
  public RowDataset csvQuote(char quote) {
    return withCsv(options.csvDelimiter(), quote);
  }

  /**
   * Turns quoting in CSV files off: quotes are read as text.
   *
   * @return a changed copy
   */
  public RowDataset withoutCsvQuotes() {
    return withCsv(options.csvDelimiter(), null);
  }

  private RowDataset withCsv(@Nullable Character delimiter, @Nullable Character quote) {
    checkCsv("csvDelimiter", delimiter, quote);
    checkCsv("csvQuote", quote, delimiter);
    return with(options.withCsv(delimiter, quote));
  }

  private static void checkCsv(
      String parameter, @Nullable Character value, @Nullable Character other) {
    if (value != null && (value == '\n' || value == '\r' || value.equals(other))) {
      throw new InvalidArgumentException(
          parameter,
          String.format("U+%04X", (int) value),
          "a character that does not end a line and differs from {csvDelimiter} and {csvQuote}");
    }
  }

  /**
   * The columns in the order of the first file, with the types of their values, such as {@code
   * text}. The types of CSV and JSON columns are determined from the first rows.
   *
   * @return type by name
   * @throws DatasetException if the file cannot be read
   */
  public Map<String, String> columns() {
    checkOptions(source.get());
    return source.get().columns(options);
  }

  /**
   * Whether at least one file is a table (Parquet, CSV, JSON).
   *
   * @return false if all files are text files or archives of text files
   * @throws DatasetException if the files cannot be found
   */
  public boolean isTable() {
    return hasFormat(source.get(), FileFormat::isTable);
  }

  /**
   * Whether there are CSV or TSV files, for which {@link #csvDelimiter} and {@link #csvQuote} are.
   *
   * @return true if at least one file is CSV or TSV
   * @throws DatasetException if the files cannot be found
   */
  public boolean hasCsv() {
    return hasFormat(source.get(), FileFormat::isDelimited);
  }

  /**
   * Whether there are CSV, TSV or JSON files, for which {@link #skipBadRecords} is.
   *
   * @return true if at least one file is CSV, TSV or JSON
   * @throws DatasetException if the files cannot be found
   */
  public boolean hasRecords() {
    return hasFormat(source.get(), FileFormat::hasRecords);
  }

  private static boolean hasFormat(RowSource found, Predicate<FileFormat> test) {
    return found.inputs().stream().flatMap(file -> file.formats().stream()).anyMatch(test);
  }

  @Override
  public DocumentReader open() {
    return openDocuments();
  }

  @Override
  public DocumentReader resume(DatasetPosition position) {
    RowDocuments documents = openDocuments();
    try {
      documents.restore(position);
      return documents;
    } catch (RuntimeException e) {
      documents.close();
      throw e;
    }
  }

  private RowDocuments openDocuments() {
    RowSource found = source.get();
    checkOptions(found);
    String textColumn = textColumn();
    return new RowDocuments(
        description,
        openRows(columnsToRead(textColumn, List.of())),
        textColumn,
        fingerprint(found, textColumn),
        rowsWithoutTextLogged);
  }

  /** The text column, then the given columns and those of the filters, each once. */
  private List<String> columnsToRead(String textColumn, List<String> more) {
    Set<String> names = new LinkedHashSet<>();
    names.add(textColumn);
    names.addAll(more);
    for (RowStep step : steps) {
      if (step instanceof RowStep.Where where) {
        names.add(where.column());
      }
    }
    return List.copyOf(names);
  }

  private ResumableRows openRows(List<String> columns) {
    List<RowStep> left = new ArrayList<>(steps);
    List<RowInput> inputs = shard(source.get().inputs(), left);
    long skip = 0;
    if (!left.isEmpty() && left.get(0) instanceof RowStep.Skip first) {
      skip = first.count();
      left.remove(0);
    }
    return RowStep.applyAll(left, new ChainedRows(inputs, columns, options, skip), columns);
  }

  /** If each worker can get whole files, removes the first shard step and returns those files. */
  private static List<RowInput> shard(List<RowInput> files, List<RowStep> steps) {
    if (files.stream().anyMatch(DatasetInput.class::isInstance)) {
      return files;
    }
    for (int at = 0; at < steps.size(); at++) {
      if (steps.get(at) instanceof RowStep.Shard shard && files.size() % shard.count() == 0) {
        steps.remove(at);
        List<RowInput> ofWorker = new ArrayList<>();
        for (int i = shard.index(); i < files.size(); i += shard.count()) {
          ofWorker.add(files.get(i));
        }
        return ofWorker;
      }
      boolean keepsShards =
          switch (steps.get(at)) {
            case RowStep.Where _, RowStep.Filter _, RowStep.Change _ -> true;
            case RowStep.Shuffle _, RowStep.Skip _, RowStep.Take _, RowStep.Shard _ -> false;
          };
      if (!keepsShards) {
        return files;
      }
    }
    return files;
  }

  /** Throws if an option is set that applies to no file. */
  private void checkOptions(RowSource found) {
    if (options.isCsvChanged() && !hasFormat(found, FileFormat::isDelimited)) {
      throw new DatasetException(
          description + " has no CSV files",
          "Do not set {csvDelimiter} or {csvQuote}, or read files with other name endings as CSV with"
              + " Datasets.load(\"csv\", ...).",
          null);
    }
    if (options.skipBadRecords() && !hasFormat(found, FileFormat::hasRecords)) {
      throw new DatasetException(
          description + " has no CSV or JSON files", "Do not set {skipBadRecords}.", null);
    }
  }

  private String textColumn() {
    return text == null ? chooseText(source.get()) : text;
  }

  private String chooseText(RowSource found) {
    Map<String, String> columns = found.columns(options);
    if (columns.containsKey(FileFormat.TEXT_COLUMN)) {
      return FileFormat.TEXT_COLUMN;
    }
    if (columns.isEmpty() && !hasFormat(found, format -> format != FileFormat.JSON)) {
      return FileFormat.TEXT_COLUMN; // There are no rows
    }
    List<String> candidates =
        columns.keySet().stream()
            .filter(column -> columns.getOrDefault(column, "").equals("text"))
            .toList();
    if (candidates.size() != 1) {
      throw new InvalidArgumentException(
          "textColumn",
          "not set",
          "the column of the text, because " + description + " has no column \"text\"",
          "Its columns are "
              + Columns.names(
                  columns.entrySet().stream()
                      .map(column -> column.getKey() + " (" + column.getValue() + ")")
                      .toList())
              + ".");
    }
    if (!choiceLogged.getAndSet(true)) {
      LOG.log(
          System.Logger.Level.INFO,
          "The documents of "
              + description
              + " are column \""
              + candidates.get(0)
              + "\", the only column of text");
    }
    return candidates.get(0);
  }

  private long fingerprint(RowSource found, String textColumn) {
    CRC32C sum = new CRC32C();
    StringBuilder all = new StringBuilder(textColumn);
    found.inputs().forEach(file -> all.append('\n').append(file.identity()));
    steps.forEach(step -> all.append('\n').append(step));
    all.append('\n').append(options.replaceMalformed()).append(options.skipBadRecords());
    all.append('\n').append(options.csvDelimiter()).append(options.csvQuote());
    sum.update(all.toString().getBytes(StandardCharsets.UTF_8));
    return sum.getValue();
  }

  @Override
  public Stream<String> documents() {
    return openDocuments().stream();
  }

  @Override
  public RowDataset rows() {
    return this;
  }

  @Override
  public boolean finite() {
    return finite;
  }

  @Override
  public String describe() {
    return description;
  }
}
