package io.github.ggml4j.format.torch;

import static io.github.ggml4j.format.internal.LittleEndian.INT;
import static io.github.ggml4j.format.internal.LittleEndian.LONG;
import static io.github.ggml4j.format.internal.LittleEndian.SHORT;

import io.github.ggml4j.format.ModelFormatException;
import io.github.ggml4j.internal.Names;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The entries of a zip archive, which are used where they stand and so must not be compressed.
 * Archives of more than 4 GiB (ZIP64) included. Source: PKWARE's APPNOTE 6.3.
 */
final class StoredZip {
  static final int LOCAL_HEADER = 0x0403_4b50;
  private static final int CENTRAL_HEADER = 0x0201_4b50;
  private static final int END = 0x0605_4b50;
  private static final int END_64 = 0x0606_4b50;
  private static final int LOCATOR_64 = 0x0706_4b50;
  private static final int END_SIZE = 22;
  private static final int MAX_COMMENT = 0xffff;
  private static final int LOCATOR_SIZE = 20;
  private static final int END_64_SIZE = 56;
  private static final int CENTRAL_SIZE = 46;
  private static final int LOCAL_SIZE = 30;
  private static final int ZIP64_FIELD = 1;
  private static final int MAX_ENTRIES = 1 << 17;
  private static final long SATURATED = 0xffff_ffffL;

  /** An entry as the central directory has it. */
  private record Entry(int flags, int method, long stored, long size, long header) {}

  private final MemorySegment bytes;
  private final String source;
  private final Map<String, Entry> entries = new LinkedHashMap<>();

  StoredZip(MemorySegment bytes, String source) {
    this.bytes = bytes;
    this.source = source;
    readDirectory(findEnd());
  }

  /** The names of all entries. */
  Set<String> names() {
    return entries.keySet();
  }

  /**
   * The content of an entry in place, or null when there is none of this name.
   *
   * @throws ModelFormatException when it is compressed, encrypted or not within the file
   */
  @Nullable MemorySegment find(String name) {
    Entry entry = entries.get(name);
    if (entry == null) {
      return null;
    }
    if (entry.method() != 0 || entry.stored() != entry.size() || (entry.flags() & 1) != 0) {
      throw ModelFormatException.of(
          source,
          "its entry " + Names.quote(name) + " is compressed or encrypted",
          "entries stored as they are, as torch.save writes them",
          "Load the file with PyTorch and save it again.");
    }
    long at = entry.header();
    check(at, LOCAL_SIZE, "the header of " + Names.quote(name));
    if (bytes.get(INT, at) != LOCAL_HEADER) {
      throw bad("has no header for " + Names.quote(name) + " at byte " + at, "one there");
    }
    long start = at + LOCAL_SIZE + uint16(at + 26) + uint16(at + 28);
    check(start, entry.size(), Names.quote(name));
    return bytes.asSlice(start, entry.size());
  }

  private long findEnd() {
    long size = bytes.byteSize();
    long first = Math.max(0, size - END_SIZE - MAX_COMMENT);
    for (long at = size - END_SIZE; at >= first; at--) {
      if (bytes.get(INT, at) == END && at + END_SIZE + uint16(at + 20) == size) {
        return at;
      }
    }
    throw bad("has no end of a zip archive", "the directory of its entries at the end");
  }

  private void readDirectory(long end) {
    long count = uint16(end + 10);
    long size = uint32(end + 12);
    long start = uint32(end + 16);
    if (count == 0xffff || size == SATURATED || start == SATURATED) {
      long end64 = findEnd64(end - LOCATOR_SIZE);
      count = bytes.get(LONG, end64 + 32);
      size = bytes.get(LONG, end64 + 40);
      start = bytes.get(LONG, end64 + 48);
    }
    check(start, size, "the directory");
    if (count < 0 || count > Math.min(MAX_ENTRIES, size / CENTRAL_SIZE)) {
      throw bad(
          "has a directory of " + Long.toUnsignedString(count) + " entries",
          "at most " + Math.min(MAX_ENTRIES, size / CENTRAL_SIZE));
    }
    long at = start;
    for (long i = 0; i < count; i++) {
      at = readEntry(at, start + size);
    }
  }

  private long findEnd64(long locator) {
    if (locator < 0 || bytes.get(INT, locator) != LOCATOR_64) {
      throw bad("has no locator of its ZIP64 directory", "one before the end");
    }
    long end64 = bytes.get(LONG, locator + 8);
    check(end64, END_64_SIZE, "the end of the ZIP64 directory");
    if (bytes.get(INT, end64) != END_64) {
      throw bad("has no ZIP64 directory at byte " + end64, "one there");
    }
    return end64;
  }

  private long readEntry(long at, long end) {
    if (at > end - CENTRAL_SIZE || bytes.get(INT, at) != CENTRAL_HEADER) {
      throw bad("has no directory entry at byte " + at, "one there");
    }
    long name = at + CENTRAL_SIZE;
    long extra = name + uint16(at + 28);
    long comment = extra + uint16(at + 30);
    long next = comment + uint16(at + 32);
    if (next > end) {
      throw bad("has a directory entry that ends at byte " + next, "an end before " + end);
    }
    byte[] text = bytes.asSlice(name, extra - name).toArray(ValueLayout.JAVA_BYTE);
    String key = new String(text, StandardCharsets.UTF_8);
    if (entries.put(key, entry(at, extra, comment)) != null) {
      throw bad("has two entries named " + Names.quote(key), "one");
    }
    return next;
  }

  private Entry entry(long at, long extra, long extraEnd) {
    long stored = uint32(at + 20);
    long size = uint32(at + 24);
    long header = uint32(at + 42);
    long field = extra;
    while (field <= extraEnd - 4) {
      long next = field + 4 + uint16(field + 2);
      if (uint16(field) == ZIP64_FIELD && next <= extraEnd) {
        long value = field + 4; // only what did not fit stands here, in this order
        if (size == SATURATED && value <= next - 8) {
          size = bytes.get(LONG, value);
          value += 8;
        }
        if (stored == SATURATED && value <= next - 8) {
          stored = bytes.get(LONG, value);
          value += 8;
        }
        if (header == SATURATED && value <= next - 8) {
          header = bytes.get(LONG, value);
        }
      }
      field = next;
    }
    return new Entry(uint16(at + 8), uint16(at + 10), stored, size, header);
  }

  private void check(long start, long size, String what) {
    if (start < 0 || size < 0 || size > bytes.byteSize() || start > bytes.byteSize() - size) {
      throw bad(
          what
              + " takes "
              + Long.toUnsignedString(size)
              + " bytes from byte "
              + Long.toUnsignedString(start)
              + " on",
          "a range within the " + bytes.byteSize() + " bytes of the file");
    }
  }

  private int uint16(long at) {
    return bytes.get(SHORT, at) & 0xffff;
  }

  private long uint32(long at) {
    return bytes.get(INT, at) & SATURATED;
  }

  private ModelFormatException bad(String found, String expected) {
    return ModelFormatException.of(
        source,
        found,
        expected,
        "The file is damaged, or its download is not complete; fetch it again.");
  }
}
