package io.github.ggml4j.trainer.data;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.Spliterator;
import java.util.Spliterators;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * Rows with named columns, one of which is the text: what Hugging Face's {@code datasets} calls an
 * iterable dataset. Rows are read as they are needed, and of Parquet files only the columns that
 * are asked for. Rows without text are left out.
 *
 * <p>Choosing, shuffling and counting happen in the order in which they are written down: {@code
 * where(...).take(10)} has 10 rows that pass, {@code take(10).where(...)} has those of the first 10
 * that pass.
 *
 * <p>Immutable; safe for use by several threads, each with its own pass.
 */
public final class TableDataset implements ResumableDataset {

  private final String description;
  private final Supplier<TableSource> source;
  private final boolean counted;
  private final List<RowStep> steps;
  private final @Nullable String text;
  private final ReadOptions options;

  TableDataset(String description, Supplier<TableSource> source, boolean counted) {
    this(description, source, counted, List.of(), null, ReadOptions.DEFAULT);
  }

  private TableDataset(
      String description,
      Supplier<TableSource> source,
      boolean counted,
      List<RowStep> steps,
      @Nullable String text,
      ReadOptions options) {
    this.description = description;
    this.source = source;
    this.counted = counted;
    this.steps = steps;
    this.text = text;
    this.options = options;
  }

  private TableDataset with(RowStep step) {
    List<RowStep> more = new ArrayList<>(steps);
    more.add(step);
    return new TableDataset(
        description,
        source,
        counted || step instanceof RowStep.Take,
        List.copyOf(more),
        text,
        options);
  }

  private TableDataset with(ReadOptions changed) {
    return new TableDataset(description, source, counted, steps, text, changed);
  }

  /**
   * The column that the documents are taken from. Without this it is the column {@code text}, or
   * the only one that holds text.
   *
   * @param column name of the column
   * @return a changed copy
   */
  public TableDataset text(String column) {
    return new TableDataset(description, source, counted, steps, column, options);
  }

  /**
   * Only rows with this value.
   *
   * @param column name of the column
   * @param value text, a number or a boolean
   * @return the smaller dataset
   */
  public TableDataset where(String column, Object value) {
    return with(new RowStep.Where(column, " = " + value, cell -> Values.equal(cell, value)));
  }

  /**
   * Only rows whose value passes a test.
   *
   * @param column name of the column
   * @param test of a String, Long, Double or Boolean, or of null where the row has no value; true =
   *     keep
   * @return the smaller dataset
   */
  public TableDataset where(String column, Predicate<@Nullable Object> test) {
    return with(new RowStep.Where(column, " passes a test", test));
  }

  /**
   * Rows in an order drawn from a window: each one at random from this many that were read. The
   * same seed gives the same order.
   *
   * @param buffer rows in the window, which are held in memory; at least 1
   * @param seed of the random numbers
   * @return the shuffled dataset
   */
  public TableDataset shuffle(int buffer, long seed) {
    if (buffer < 1) {
      throw new IllegalArgumentException("shuffle needs a buffer of >= 1 rows, not " + buffer);
    }
    return with(new RowStep.Shuffle(buffer, seed));
  }

  /**
   * Without the first rows. Of Parquet files, whole row groups of them are not even read if this
   * comes before all other choices.
   *
   * @param count how many, at least 0
   * @return the smaller dataset
   */
  public TableDataset skip(long count) {
    return with(new RowStep.Skip(atLeast0("skip", count)));
  }

  /**
   * Only the first rows.
   *
   * @param count how many at most, at least 0
   * @return the smaller dataset, always finite
   */
  public TableDataset take(long count) {
    return with(new RowStep.Take(atLeast0("take", count)));
  }

  /**
   * The part of one worker of several: together their parts are the whole, without overlap. Whole
   * files where their number is a multiple of the workers' and rows have not been counted or
   * shuffled before; else each worker reads all rows and keeps every {@code count}-th.
   *
   * @param count workers, at least 1
   * @param index of this worker, from 0
   * @return the part
   */
  public TableDataset shard(int count, int index) {
    if (count < 1 || index < 0 || index >= count) {
      throw new IllegalArgumentException(
          "shard needs a count >= 1 and an index of 0 to count - 1, not "
              + count
              + " and "
              + index);
    }
    return with(new RowStep.Shard(count, index));
  }

  /**
   * Malformed UTF-8 becomes the replacement character U+FFFD instead of an error.
   *
   * @return a changed copy
   */
  public TableDataset replaceMalformed() {
    return with(new ReadOptions(true, options.maxDocumentBytes()));
  }

  /**
   * Another bound on the size of one document, which is held in memory as a whole; a longer one is
   * an error. The default is 64 MiB.
   *
   * @param bytes longest document in bytes, at least 1
   * @return a changed copy
   */
  public TableDataset maxDocumentBytes(int bytes) {
    return with(new ReadOptions(options.replaceMalformed(), bytes));
  }

  /**
   * The columns, in the order of the first file, and what they hold: {@code text} and other names
   * of types. Those of JSON files are the fields of the first row.
   *
   * @return type by name
   * @throws DatasetException if the file cannot be read
   */
  public Map<String, String> columns() {
    return source.get().columns(options);
  }

  @Override
  public Pass open() {
    return openPass();
  }

  @Override
  public Pass resume(DatasetPosition position) {
    TablePass pass = openPass();
    try {
      pass.restore(position);
      return pass;
    } catch (RuntimeException e) {
      pass.close();
      throw e;
    }
  }

  private TablePass openPass() {
    TableSource table = source.get();
    List<RowStep> left = new ArrayList<>(steps);
    List<RowFile> files = shard(table.files(), left);
    String textColumn = text == null ? onlyText() : text;
    Set<String> names = new LinkedHashSet<>();
    names.add(textColumn);
    for (RowStep step : left) {
      if (step instanceof RowStep.Where where) {
        names.add(where.column());
      }
    }
    List<String> columns = List.copyOf(names);
    long skip = !left.isEmpty() && left.get(0) instanceof RowStep.Skip first ? first.count() : 0;
    if (skip > 0) {
      left.remove(0);
    }
    RowPass rows = new FilesPass(files, table.format(), columns, options, skip);
    for (RowStep step : left) {
      rows = step.apply(rows, columns);
    }
    return new TablePass(rows, 0, textColumn, fingerprint(table, textColumn));
  }

  /** Takes the first shard out of the steps if it can be had by files. */
  private static List<RowFile> shard(List<RowFile> files, List<RowStep> steps) {
    for (int at = 0; at < steps.size(); at++) {
      if (steps.get(at) instanceof RowStep.Shard shard && files.size() % shard.count() == 0) {
        steps.remove(at);
        List<RowFile> part = new ArrayList<>();
        for (int i = shard.index(); i < files.size(); i += shard.count()) {
          part.add(files.get(i));
        }
        return part;
      }
      if (!(steps.get(at) instanceof RowStep.Where)) {
        return files;
      }
    }
    return files;
  }

  private String onlyText() {
    Map<String, String> columns = columns();
    if (columns.containsKey(TextRows.COLUMN)) {
      return TextRows.COLUMN;
    }
    List<String> candidates =
        columns.keySet().stream()
            .filter(column -> columns.getOrDefault(column, "").equals("text"))
            .toList();
    if (candidates.size() != 1) {
      throw new DatasetException(
          description
              + " has no column \"text\". Name the column of the text with text(...); its columns"
              + " are "
              + Columns.names(
                  columns.entrySet().stream()
                      .map(column -> column.getKey() + " (" + column.getValue() + ")")
                      .toList()));
    }
    return candidates.get(0);
  }

  private long fingerprint(TableSource table, String textColumn) {
    CRC32C sum = new CRC32C();
    StringBuilder all = new StringBuilder(table.format().id()).append('\n').append(textColumn);
    table.files().forEach(file -> all.append('\n').append(file.identity()));
    steps.forEach(step -> all.append('\n').append(step));
    sum.update(all.toString().getBytes(StandardCharsets.UTF_8));
    return sum.getValue();
  }

  private static long atLeast0(String what, long count) {
    if (count < 0) {
      throw new IllegalArgumentException(what + " must be >= 0 rows, not " + count);
    }
    return count;
  }

  @Override
  public Stream<String> documents() {
    Pass pass = open();
    return StreamSupport.stream(
            Spliterators.spliteratorUnknownSize(pass, Spliterator.ORDERED | Spliterator.NONNULL),
            false)
        .onClose(pass::close);
  }

  @Override
  public boolean finite() {
    return counted;
  }

  @Override
  public String describe() {
    return description;
  }
}
