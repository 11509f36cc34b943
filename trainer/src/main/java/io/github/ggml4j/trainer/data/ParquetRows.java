package io.github.ggml4j.trainer.data;

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
 * Rows of a Parquet file. This is the one place that knows the library that decodes it. Only the
 * chunks of the wanted columns are read, row group by row group, in pieces of a few MB of which the
 * next is fetched while one is decoded.
 */
final class ParquetRows implements RowReader {

  /** Bytes of a chunk that are read at once, unless set otherwise. */
  private static final int PIECE = 4 << 20;

  /** Pages that are decoded ahead, unless set otherwise. */
  private static final int PAGES_AHEAD = 4;

  /** Three batches are held, and filled before the first is given out: small ones come soon. */
  private static final long BATCH_BYTES = 256 << 10;

  private static final int LARGEST_BATCH = 256;

  /** Held, since unreferenced loggers lose their level. */
  private static final Logger LIBRARY = Logger.getLogger("dev.hardwood");

  static {
    if (LIBRARY.getLevel() == null) {
      LIBRARY.setLevel(Level.WARNING); // it informs about processor features
    }
    // hardwood reads chunks in pieces of 128 MiB and decodes 8 pages ahead: good for scans of local
    // files, much too much for the first rows of a remote one. These are read once, when its
    // classes are initialised.
    setDefault("hardwood.internal.sequentialChunkSize", Integer.toString(PIECE));
    setDefault("hardwood.internal.maxOutstanding", Integer.toString(PAGES_AHEAD));
    // A library of the system for gzip, looked for by a restricted method. Java's own will do.
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
  private long due;
  private boolean ended;

  ParquetRows(OpenFile open, List<String> columns, ReadOptions options) {
    this.name = open.name();
    this.columns = columns;
    this.options = options;
    long heap = Runtime.getRuntime().maxMemory();
    RangeInput input = new RangeInput(open, heap);
    this.context = HardwoodContext.create(2);
    try {
      this.file = ParquetFileReader.open(input, context);
    } catch (IOException | RuntimeException | Error e) {
      context.close();
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
  static Map<String, String> columns(OpenFile open) {
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
              + "; only text, numbers and booleans can be read, no nested columns");
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
    // Up to PAGES_AHEAD pages of each column are held decoded, as bytes and again in batches.
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
        if (row + 1 != due) {
          throw damaged("it has " + (row + 1) + " rows, " + due + " were announced");
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
    due = groups.stream().mapToLong(RowGroup::numRows).sum();
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

  /** Where the first chunk of a row group starts. */
  private static long start(RowGroup group) {
    return group.columns().get(0).chunkStartOffset();
  }

  /** Few rows where they are large. */
  private int rowsPerBatch() {
    long rows = LARGEST_BATCH;
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

  /** Whole row groups are not even read. */
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
      throw InputFiles.tooLong(place(), options.maxDocumentBytes());
    }
    byte[] bytes = Arrays.copyOfRange(reader.getBinaryValues(), start, end);
    return Utf8.decode(bytes, options.replaceMalformed(), place(), 1, 0);
  }

  @Override
  public String place() {
    return name + ", row " + (row + 1);
  }

  /** Whatever the library throws, as the error of this file. */
  private RuntimeException failure(Throwable e) {
    Throwable cause = e;
    while (cause instanceof CompletionException && cause.getCause() != null) {
      cause = cause.getCause();
    }
    for (Throwable at = cause; at != null; at = at.getCause()) {
      if (at instanceof DatasetException known) {
        // The library puts the name of the file before the message.
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
                + "): it has very large values or is damaged. Give Java a larger heap (-Xmx)",
            at);
      }
    }
    if (cause instanceof VirtualMachineError error) {
      throw error;
    }
    return new DatasetException("Cannot read " + name + ": " + reasons(cause), cause);
  }

  /** The messages of an exception and its causes, without what is of use to programmers only. */
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
