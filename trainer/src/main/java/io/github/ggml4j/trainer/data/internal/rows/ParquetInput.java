package io.github.ggml4j.trainer.data.internal.rows;

import dev.hardwood.InputFile;
import io.github.ggml4j.hub.RangeReader;
import io.github.ggml4j.trainer.data.internal.files.InputFiles;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;

/**
 * Gives hardwood access to a Parquet file. Reads the end of the file, which contains the footer,
 * once and caches it. Checks each column chunk with its {@link PageGuard} before it returns the
 * bytes to hardwood.
 */
final class ParquetInput implements InputFile {

  /** Size of the cached end of the file. Most footers fit, so that they need one request. */
  private static final int TAIL = 64 << 10;

  private static final byte[] MAGIC = {'P', 'A', 'R', '1'};

  private final RangeReader file;
  private final int maxRead;
  private final long tailStart;
  private final ByteBuffer tail;
  private volatile NavigableMap<Long, PageGuard> guards = new TreeMap<>();

  ParquetInput(RangeReader file, long heap) {
    this.file = file;
    this.maxRead = (int) Math.min(Integer.MAX_VALUE, heap / 8);
    int length = (int) Math.min(TAIL, file.size());
    this.tailStart = file.size() - length;
    ByteBuffer buffer = ByteBuffer.allocate(length);
    InputFiles.readFully(file, tailStart, buffer);
    this.tail = buffer.flip();
  }

  /** Sets the guards of the chunks, by offset. Later reads are checked. */
  void guard(Map<Long, PageGuard> byOffset) {
    guards = new TreeMap<>(byOffset);
  }

  @Override
  public void open() {}

  @Override
  public ByteBuffer readRange(long offset, int length) throws IOException {
    if (offset < 0 || length < 0 || length > file.size() - offset) {
      throw new IOException(
          "bytes "
              + offset
              + " to "
              + (offset + length)
              + " are beyond the file's end at "
              + file.size()
              + ": the file is damaged or truncated");
    }
    if (length > maxRead) {
      throw new IOException(
          length
              + " bytes in one read are too many for this heap, which allows "
              + maxRead
              + ". Increase the heap (-Xmx)");
    }
    ByteBuffer bytes = read(offset, length);
    check(offset, bytes);
    return bytes;
  }

  private ByteBuffer read(long offset, int length) {
    if (offset >= tailStart) {
      return tail.slice((int) (offset - tailStart), length);
    }
    if (offset == 0 && length == MAGIC.length) {
      // hardwood checks the magic bytes at the start and at the end. Only the end is read here.
      return ByteBuffer.wrap(MAGIC);
    }
    ByteBuffer buffer = ByteBuffer.allocate(length);
    InputFiles.readFully(file, offset, buffer);
    return buffer.flip();
  }

  private void check(long offset, ByteBuffer bytes) throws IOException {
    long end = offset + bytes.remaining();
    Map.Entry<Long, PageGuard> before = guards.floorEntry(offset);
    long from = before == null ? offset : before.getKey();
    for (Map.Entry<Long, PageGuard> guard : guards.subMap(from, true, end, false).entrySet()) {
      long start = Math.max(offset, guard.getKey());
      ByteBuffer part = bytes.slice((int) (start - offset), (int) (end - start));
      guard.getValue().check(start, part, this::read);
    }
  }

  @Override
  public long length() {
    return file.size();
  }

  @Override
  public String name() {
    return file.name();
  }

  @Override
  public void close() {
    file.close();
  }
}
