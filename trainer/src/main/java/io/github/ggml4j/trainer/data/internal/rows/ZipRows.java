package io.github.ggml4j.trainer.data.internal.rows;

import io.github.ggml4j.trainer.data.internal.files.Glob;
import io.github.ggml4j.trainer.data.internal.files.InflationGuard;
import io.github.ggml4j.trainer.data.internal.files.InputFiles;
import io.github.ggml4j.trainer.data.internal.files.LocalFile;
import io.github.ggml4j.trainer.data.internal.files.Utf8;
import io.github.ggml4j.trainer.error.DatasetException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import org.jspecify.annotations.Nullable;

/** Each matching entry of a zip archive is a row with the column {@code text}, sorted by name. */
final class ZipRows implements RowReader {

  private final Path archive;
  private final ZipFile zip;
  private final InflationGuard guard;
  private final ReadOptions options;
  private final List<? extends ZipEntry> entries;
  private int next;
  private @Nullable String text;

  ZipRows(Path archive, Glob glob, List<String> columns, ReadOptions options) {
    Columns.checkOnlyText(archive.toString(), columns);
    LocalFile.checkReadable(archive);
    this.archive = archive;
    this.options = options;
    try {
      guard = new InflationGuard(archive.toString(), Files.size(archive));
      zip = new ZipFile(archive.toFile());
    } catch (IOException e) {
      throw InputFiles.unreadable(archive.toString(), e);
    }
    entries = Closing.onFailure(zip, () -> matching(glob));
  }

  private List<? extends ZipEntry> matching(Glob glob) {
    List<? extends ZipEntry> matching =
        zip.stream()
            .filter(entry -> !entry.isDirectory() && glob.matches(entry.getName()))
            .sorted(Comparator.comparing(ZipEntry::getName))
            .toList();
    if (matching.isEmpty()) {
      throw new DatasetException(
          "No entry of " + archive + " matches " + glob + " (" + zip.size() + " entries)");
    }
    return matching;
  }

  @Override
  public boolean next() {
    if (next == entries.size()) {
      text = null;
      return false;
    }
    ZipEntry entry = entries.get(next++);
    try (InputStream in = zip.getInputStream(entry)) {
      byte[] bytes = InputFiles.readAll(guard.watch(in), options.maxDocumentBytes(), location());
      text = Utf8.decode(bytes, options.replaceMalformed(), location(), 1, 0);
      return true;
    } catch (IOException e) {
      throw InputFiles.unreadable(location(), e);
    }
  }

  /** Does not read the entries. */
  @Override
  public long skip(long rows) {
    int skipped = (int) Math.min(rows, entries.size() - next);
    next += skipped;
    return skipped;
  }

  @Override
  public @Nullable Object value(int column) {
    return text;
  }

  @Override
  public String location() {
    return next == 0 ? archive.toString() : archive + "!/" + entries.get(next - 1).getName();
  }

  @Override
  public void close() {
    try {
      zip.close();
    } catch (IOException e) {
      throw InputFiles.unreadable(archive.toString(), e);
    }
  }

  /** The archive as a file of rows. */
  record Archive(Path path, Glob glob) implements RowFile {
    @Override
    public String name() {
      return path + "!/" + glob;
    }

    @Override
    public String identity() {
      return format().id() + " " + name();
    }

    @Override
    public FileFormat format() {
      return FileFormat.ZIP;
    }

    @Override
    public RowReader open(List<String> columns, ReadOptions options) {
      return new ZipRows(path, glob, columns, options);
    }

    @Override
    public Map<String, String> columns(ReadOptions options) {
      return Map.of(FileFormat.TEXT_COLUMN, ColumnTypes.TEXT);
    }
  }
}
