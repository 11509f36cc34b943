package io.github.ggml4j.trainer.data.internal.rows;

import dev.hardwood.HardwoodContext;
import dev.hardwood.metadata.ColumnChunk;
import dev.hardwood.metadata.FileMetaData;
import dev.hardwood.metadata.PhysicalType;
import dev.hardwood.metadata.RowGroup;
import dev.hardwood.reader.ColumnReader;
import dev.hardwood.reader.ColumnReaders;
import dev.hardwood.reader.ParquetFileReader;
import dev.hardwood.reader.RowGroupPredicate;
import dev.hardwood.schema.ColumnProjection;
import dev.hardwood.schema.ColumnSchema;
import dev.hardwood.schema.FileSchema;
import dev.hardwood.schema.SchemaNode;
import io.github.ggml4j.hub.RangeReader;
import io.github.ggml4j.trainer.data.internal.files.InputFiles;
import io.github.ggml4j.trainer.data.internal.files.Utf8;
import io.github.ggml4j.trainer.error.DatasetException;
import java.io.IOException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletionException;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * Reads the rows of a Parquet file with the library hardwood. Reads only the column chunks of the
 * requested columns, one row group after another, in pieces of 4 MiB. The next piece is fetched
 * while the current one is decoded.
 */
final class ParquetRows implements RowReader {

  /** Default number of bytes of a chunk that are read at once. */
  private static final int PIECE = 4 << 20;

  /** Default number of pages that are decoded ahead. */
  private static final int PAGES_AHEAD = 4;

  /**
   * Size of a batch. It is small because hardwood fills three batches before it returns the first.
   */
  private static final long BATCH_BYTES = 256 << 10;

  private static final int MAX_BATCH_ROWS = 256;

  /** A strong reference, because a logger loses its level when it is garbage-collected. */
  private static final Logger LIBRARY = Logger.getLogger("dev.hardwood");

  static {
    if (LIBRARY.getLevel() == null) {
      LIBRARY.setLevel(Level.WARNING); // INFO lists processor features
    }
    // hardwood's defaults, pieces of 128 MiB and 8 pages ahead, suit scans of local files, not the
    // first rows of a remote file. hardwood reads these properties when its classes are
    // initialised.
    setDefault("hardwood.internal.sequentialChunkSize", Integer.toString(PIECE));
    setDefault("hardwood.internal.maxOutstanding", Integer.toString(PAGES_AHEAD));
    // Use Java's own gzip: searching for libdeflate calls a restricted method.
    setDefault("hardwood.uselibdeflate", "false");
  }

  private static void setDefault(String property, String value) {
    if (System.getProperty(property) == null) {
      System.setProperty(property, value);
    }
  }

  private final String name;
  private final List<String> columns;
  private final ReadOptions options;
  private final HardwoodContext context;
  private final ParquetFileReader file;
  private final List<RowGroup> groups;
  private final ColumnSchema[] schemas;
  private @Nullable ColumnReaders readers;
  private ColumnReader[] batch = {};
  private int batchSize;
  private int inBatch;
  private long row = -1;
  private long expectedRows;
  private boolean ended;

  ParquetRows(RangeReader open, List<String> columns, ReadOptions options) {
    this.name = open.name();
    this.columns = columns;
    this.options = options;
    long heap = Runtime.getRuntime().maxMemory();
    ParquetInput input = Closing.onFailure(open, () -> new ParquetInput(open, heap));
    this.context = HardwoodContext.create(2);
    try {
      this.file = ParquetFileReader.open(input, context);
    } catch (IOException | RuntimeException | Error e) {
      context.close();
      open.close();
      throw failure(e);
    }
    try {
      FileMetaData metaData = file.getFileMetaData();
      this.groups = metaData.rowGroups();
      this.schemas =
          columns.stream()
              .map(column -> schema(name, file.getFileSchema(), column))
              .toArray(ColumnSchema[]::new);
      input.guard(guards(open.size(), heap));
    } catch (RuntimeException | Error e) {
      close();
      throw failure(e);
    }
  }

  /** The top-level columns and their types. */
  static Map<String, String> columns(RangeReader open) {
    try (ParquetRows rows = new ParquetRows(open, List.of(), ReadOptions.DEFAULT)) {
      Map<String, String> columns = new LinkedHashMap<>();
      for (SchemaNode node : rows.file.getFileSchema().getRootNode().children()) {
        columns.put(node.name(), type(node));
      }
      return columns;
    }
  }

  private static String type(SchemaNode node) {
    return switch (node) {
      case SchemaNode.PrimitiveNode value when value.maxRepetitionLevel() == 0 ->
          value.type() == PhysicalType.BYTE_ARRAY
              ? "text"
              : value.type().name().toLowerCase(Locale.ROOT);
      case SchemaNode.GroupNode group when group.isMap() -> "map";
      case SchemaNode.GroupNode group when group.isStruct() -> "struct";
      default -> "list";
    };
  }

  private static ColumnSchema schema(String name, FileSchema schema, String column) {
    List<SchemaNode> top = schema.getRootNode().children();
    SchemaNode node =
        top.stream()
            .filter(candidate -> candidate.name().equals(column))
            .findFirst()
            .orElseThrow(() ->
                Columns.missing(name, column, top.stream().map(child -> child.name()).toList()));
    if (!(node instanceof SchemaNode.PrimitiveNode leaf) || leaf.maxRepetitionLevel() > 0) {
      throw new DatasetException(
          name
              + ": column \""
              + column
              + "\" is a "
              + type(node)
              + "; only columns of text, numbers and booleans can be read, not nested ones");
    }
    ColumnSchema found = schema.getColumn(leaf.columnIndex());
    if (found.type() == PhysicalType.INT96 || found.type() == PhysicalType.FIXED_LEN_BYTE_ARRAY) {
      throw new DatasetException(
          name
              + ": column \""
              + column
              + "\" is of type "
              + found.type()
              + "; only text, numbers and booleans can be read");
    }
    return found;
  }

  private Map<Long, PageGuard> guards(long size, long heap) {
    // For each column, up to PAGES_AHEAD pages are in memory: as bytes, and decoded in batches.
    long maxPage = Math.max(8 << 20, heap / (4L * PAGES_AHEAD * Math.max(1, schemas.length)));
    Map<Long, PageGuard> guards = new HashMap<>();
    for (RowGroup group : groups) {
      for (ColumnSchema schema : schemas) {
        if (schema.columnIndex() >= group.columns().size()) {
          throw damaged("a row group has " + group.columns().size() + " columns");
        }
        ColumnChunk chunk = group.columns().get(schema.columnIndex());
        long start = chunk.chunkStartOffset();
        long length = chunk.metaData().totalCompressedSize();
        long values = chunk.metaData().numValues();
        if (start < 0 || length < 0 || length > size - start || values != group.numRows()) {
          throw damaged(
              "column \""
                  + schema.name()
                  + "\" has "
                  + values
                  + " values in bytes "
                  + start
                  + " to "
                  + (start + length)
                  + " of "
                  + size
                  + ", for "
                  + group.numRows()
                  + " rows");
        }
        guards.put(start, new PageGuard(name, schema.name(), start, length, values, maxPage));
      }
    }
    return guards;
  }

  private DatasetException damaged(String what) {
    return new DatasetException(name + " is damaged: " + what);
  }

  @Override
  public boolean next() {
    if (ended) {
      return false;
    }
    while (inBatch + 1 >= batchSize) {
      if (!nextBatch()) {
        return false;
      }
    }
    inBatch++;
    row++;
    return true;
  }

  private boolean nextBatch() {
    try {
      ColumnReaders open = readers;
      if (open == null) {
        open = openFrom(0);
      }
      batchSize = 0;
      inBatch = -1;
      if (!open.nextBatch()) {
        ended = true;
        if (row + 1 != expectedRows) {
          throw damaged("it has " + (row + 1) + " rows, but its footer says " + expectedRows);
        }
        return false;
      }
      batchSize = open.getRecordCount();
      return true;
    } catch (RuntimeException | Error e) {
      throw failure(e);
    }
  }

  private ColumnReaders openFrom(int group) {
    expectedRows = groups.stream().mapToLong(RowGroup::numRows).sum();
    RowGroupPredicate rest =
        RowGroupPredicate.byteRange(group == 0 ? 0 : start(groups.get(group)), Long.MAX_VALUE);
    ColumnReaders open =
        file.buildColumnReaders(ColumnProjection.columns(columns.toArray(String[]::new)))
            .filter(rest)
            .batchSize(rowsPerBatch())
            .build();
    readers = open;
    batch = new ColumnReader[columns.size()];
    for (int i = 0; i < batch.length; i++) {
      batch[i] = open.getColumnReader(columns.get(i));
    }
    return open;
  }

  /** Offset of the first chunk of a row group. */
  private static long start(RowGroup group) {
    return group.columns().get(0).chunkStartOffset();
  }

  /** Limits the number of rows in a batch if the rows are large. */
  private int rowsPerBatch() {
    long rows = MAX_BATCH_ROWS;
    for (RowGroup group : groups) {
      long bytes = 0;
      for (ColumnSchema schema : schemas) {
        bytes += group.columns().get(schema.columnIndex()).metaData().totalUncompressedSize();
      }
      long perRow = Math.max(1, bytes / Math.max(1, group.numRows()));
      rows = Math.min(rows, Math.max(1, BATCH_BYTES / perRow));
    }
    return (int) rows;
  }

  /** Skips rows. Row groups that are skipped entirely are not read. */
  @Override
  public long skip(long rows) {
    if (readers != null) {
      return RowReader.super.skip(rows);
    }
    long left = rows;
    int group = 0;
    while (group < groups.size() && left >= groups.get(group).numRows()) {
      left -= groups.get(group).numRows();
      group++;
    }
    long skipped = rows - left;
    row = skipped - 1;
    if (group == groups.size()) {
      ended = true;
      return skipped;
    }
    try {
      openFrom(group);
    } catch (RuntimeException | Error e) {
      throw failure(e);
    }
    return skipped + RowReader.super.skip(left);
  }

  @Override
  public @Nullable Object value(int column) {
    try {
      ColumnReader reader = batch[column];
      ColumnSchema schema = schemas[column];
      if (schema.maxDefinitionLevel() > 0 && reader.getLeafValidity().isNull(inBatch)) {
        return null;
      }
      return switch (schema.type()) {
        case BYTE_ARRAY -> text(reader);
        case INT32 -> (long) reader.getInts()[inBatch];
        case INT64 -> reader.getLongs()[inBatch];
        case FLOAT -> (double) reader.getFloats()[inBatch];
        case DOUBLE -> reader.getDoubles()[inBatch];
        case BOOLEAN -> reader.getBooleans()[inBatch];
        default -> throw new IllegalStateException("a column of type " + schema.type());
      };
    } catch (RuntimeException | Error e) {
      throw failure(e);
    }
  }

  private String text(ColumnReader reader) {
    int[] offsets = reader.getBinaryOffsets();
    int start = offsets[inBatch];
    int end = offsets[inBatch + 1];
    if (end - start > options.maxDocumentBytes()) {
      throw InputFiles.tooLong(location(), options.maxDocumentBytes());
    }
    byte[] bytes = Arrays.copyOfRange(reader.getBinaryValues(), start, end);
    return Utf8.decode(bytes, options.replaceMalformed(), location(), 1, 0);
  }

  @Override
  public String location() {
    return name + ", row " + (row + 1);
  }

  /** Converts any error of hardwood to the exception to throw. */
  private RuntimeException failure(Throwable e) {
    Throwable cause = e;
    while (cause instanceof CompletionException && cause.getCause() != null) {
      cause = cause.getCause();
    }
    for (Throwable at = cause; at != null; at = at.getCause()) {
      if (at instanceof DatasetException known) {
        // hardwood puts the name of the file before the message.
        String prefix = "[" + name + "] ";
        String said = String.valueOf(known.getMessage());
        return said.startsWith(prefix)
            ? new DatasetException(said.substring(prefix.length()), known)
            : known;
      }
      if (at instanceof OutOfMemoryError) {
        return new DatasetException(
            name
                + " needs more memory than the heap has ("
                + at.getMessage()
                + "): the file has very large values or is damaged. Increase the heap (-Xmx)",
            at);
      }
    }
    if (cause instanceof VirtualMachineError error) {
      throw error;
    }
    return new DatasetException("Cannot read " + name + ": " + reasons(cause), cause);
  }

  /** The messages of an exception and its causes, without file names and internal errors. */
  private String reasons(Throwable e) {
    Set<String> reasons = new LinkedHashSet<>();
    for (Throwable at = e; at != null; at = at.getCause()) {
      boolean unforeseen =
          at instanceof NullPointerException
              || at instanceof IndexOutOfBoundsException
              || at instanceof ClassCastException
              || at instanceof ArithmeticException
              || at instanceof NegativeArraySizeException;
      String said = String.valueOf(at.getMessage() == null ? at : at.getMessage());
      reasons.add(
          unforeseen ? "the file is damaged (" + at + ")" : said.replace("[" + name + "] ", ""));
    }
    return String.join(": ", reasons);
  }

  @Override
  public void close() {
    try (HardwoodContext closed = context) {
      if (readers != null) {
        readers.close();
      }
      file.close();
    } catch (IOException | RuntimeException e) {
      throw failure(e);
    }
  }
}
