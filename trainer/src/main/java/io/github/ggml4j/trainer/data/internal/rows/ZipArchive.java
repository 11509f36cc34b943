package io.github.ggml4j.trainer.data.internal.rows;

import io.github.ggml4j.hub.RangeReader;
import io.github.ggml4j.trainer.data.internal.files.Compression;
import io.github.ggml4j.trainer.data.internal.files.DataFile;
import io.github.ggml4j.trainer.data.internal.files.Glob;
import io.github.ggml4j.trainer.data.internal.files.InflationGuard;
import io.github.ggml4j.trainer.data.internal.files.InputFiles;
import io.github.ggml4j.trainer.data.internal.files.LocalFile;
import io.github.ggml4j.trainer.error.DatasetException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import org.jspecify.annotations.Nullable;

/**
 * The matching entries of a zip archive, sorted by name.
 *
 * @param documents whether each entry is a document; otherwise tables are read as in a folder
 */
record ZipArchive(Path path, Glob glob, boolean documents) implements RowInput {

  @Override
  public String name() {
    return path + "!/" + glob;
  }

  @Override
  public String identity() {
    return "zip " + new LocalFile(path).identity() + "!/" + glob;
  }

  @Override
  public Set<FileFormat> formats() {
    try (Open open = new Open(this)) {
      return open.files.stream()
          .flatMap(file -> file.formats().stream())
          .collect(Collectors.toSet());
    }
  }

  @Override
  public RowReader open(List<String> columns, ReadOptions options) {
    Open open = new Open(this);
    return new Rows(open, new ChainedRows(open.files, columns, options, 0));
  }

  @Override
  public Map<String, String> columns(ReadOptions options) {
    try (Open open = new Open(this)) {
      return new RowSource(open.files).columns(options);
    }
  }

  /** The open archive with its entries as files. */
  private static final class Open implements AutoCloseable {
    private final String name;
    private final ZipFile zip;
    private final InflationGuard guard;
    private final List<RowInput> files;

    Open(ZipArchive archive) {
      name = archive.path.toString();
      LocalFile.checkReadable(archive.path);
      try {
        guard = new InflationGuard(name, Files.size(archive.path));
        zip = new ZipFile(archive.path.toFile());
      } catch (IOException e) {
        throw InputFiles.unreadable(name, e);
      }
      files = Closing.onFailure(zip, () -> matching(archive));
    }

    private List<RowInput> matching(ZipArchive archive) {
      List<String> names =
          zip.stream()
              .filter(entry -> !entry.isDirectory() && archive.glob.matches(entry.getName()))
              .map(ZipEntry::getName)
              .sorted()
              .toList();
      if (names.isEmpty()) {
        throw new DatasetException(
            "No entry of " + name + " matches " + archive.glob + " (" + zip.size() + " entries)");
      }
      Map<String, FileFormat> formats =
          archive.documents ? FolderFormats.documents(names) : FolderFormats.of(name, names);
      return formats.entrySet().stream()
          .map(entry -> entry.getValue().file(new Entry(this, entry.getKey())))
          .toList();
    }

    private InputStream stream(String entry) throws IOException {
      return guard.watch(zip.getInputStream(zip.getEntry(entry)));
    }

    @Override
    public void close() {
      try {
        zip.close();
      } catch (IOException e) {
        throw InputFiles.unreadable(name, e);
      }
    }
  }

  /** An entry as a file. */
  private record Entry(Open archive, String entry) implements DataFile {
    @Override
    public String name() {
      return archive.name + "!/" + entry;
    }

    /** Reads the entry into memory, since an entry can be decompressed only from its start. */
    @Override
    public RangeReader open() {
      try (InputStream in = archive.stream(entry)) {
        int most = (int) Math.min(Integer.MAX_VALUE - 8, Runtime.getRuntime().maxMemory() / 4);
        return new InMemory(name(), ByteBuffer.wrap(InputFiles.readAll(in, most, name())));
      } catch (IOException e) {
        throw InputFiles.unreadable(name(), e);
      }
    }

    @Override
    public InputStream stream() {
      try {
        long size = archive.zip.getEntry(entry).getSize();
        return Compression.of(entry).decompress(archive.stream(entry), name(), Math.max(0, size));
      } catch (IOException e) {
        throw InputFiles.unreadable(name(), e);
      }
    }
  }

  private record InMemory(String name, ByteBuffer bytes) implements RangeReader {
    @Override
    public long size() {
      return bytes.limit();
    }

    @Override
    public boolean isRemote() {
      return false;
    }

    @Override
    public int read(long offset, ByteBuffer target) {
      if (offset >= size()) {
        return -1;
      }
      int count = (int) Math.min(target.remaining(), size() - offset);
      target.put(bytes.slice((int) offset, count));
      return count;
    }

    @Override
    public void close() {}
  }

  /** The rows of the entries; closes the archive. */
  private record Rows(Open archive, ChainedRows rows) implements RowReader {
    @Override
    public boolean next() {
      return rows.next();
    }

    @Override
    public @Nullable Object value(int column) {
      return rows.value(column);
    }

    @Override
    public String location() {
      return rows.location();
    }

    @Override
    public long skip(long count) {
      return rows.skip(count);
    }

    @Override
    public void close() {
      try (archive) {
        rows.close();
      }
    }
  }
}
