package io.github.ggml4j.format.tensorflow;

import static io.github.ggml4j.format.internal.LittleEndian.INT;
import static io.github.ggml4j.format.internal.LittleEndian.LONG;

import io.github.ggml4j.format.ModelFormatException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/**
 * A sorted table of keys and values: blocks of entries, a block that lists them, and a footer.
 * Source: {@code table_format.md} of LevelDB, whose tables TensorFlow's are.
 */
final class SortedTable {
  private static final long MAGIC = 0xdb47_7524_8b80_fb57L;
  private static final int FOOTER = 48;
  private static final int TRAILER = 5;
  private static final int MAX_BLOCK = 16 << 20;
  private static final int MAX_ENTRIES = 1 << 18;
  private static final int MAX_KEY = 4096;
  private static final int PLAIN = 0;
  private static final int SNAPPY = 1;

  /** Takes the entries in the order of their keys. */
  interface Entries {
    void entry(byte[] key, ByteInput value);
  }

  private final MemorySegment bytes;
  private final String source;
  private int entries;
  private byte[] last = {};
  private long blocksEnd;
  private boolean any;

  SortedTable(MemorySegment bytes, String source) {
    this.bytes = bytes;
    this.source = source;
  }

  static boolean matches(MemorySegment bytes) {
    long size = bytes.byteSize();
    return size >= FOOTER && bytes.get(LONG, size - Long.BYTES) == MAGIC;
  }

  /** Reads everything; the keys must be in order. */
  void read(Entries sink) {
    if (!matches(bytes)) {
      throw bad("does not end as an index of TensorFlow", "the magic number of a sorted table");
    }
    byte[] footer = bytes.asSlice(bytes.byteSize() - FOOTER, FOOTER).toArray(ValueLayout.JAVA_BYTE);
    ByteInput handles = new ByteInput(footer, 0, FOOTER - Long.BYTES, source);
    handles.readVarint(); // the block of meta data, which these tables leave empty
    handles.readVarint();
    byte[] index = block(handles.readVarint(), handles.readVarint());
    readBlock(
        index,
        (key, value) -> {
          byte[] data = nextBlock(value.readVarint(), value.readVarint());
          readBlock(data, (name, content) -> sinkInOrder(name, content, sink));
        });
  }

  private void sinkInOrder(byte[] key, ByteInput value, Entries sink) {
    if (any && Arrays.compareUnsigned(last, key) >= 0) {
      throw bad("has keys that are not in order", "a sorted table");
    }
    any = true;
    last = key;
    sink.entry(key, value);
  }

  private void readBlock(byte[] block, Entries sink) {
    int restarts = block.length < 4 ? -1 : MemorySegment.ofArray(block).get(INT, block.length - 4L);
    long end = block.length - 4L - 4L * restarts;
    if (restarts < 0 || end < 0) {
      throw bad("has a block of " + block.length + " bytes with too many restarts", "fewer");
    }
    ByteInput in = new ByteInput(block, 0, (int) end, source);
    byte[] key = {};
    while (!in.atEnd()) {
      long shared = in.readVarint();
      long fresh = in.readVarint();
      int valueLength = in.readLength();
      if (shared < 0 || shared > key.length || fresh < 0 || fresh > MAX_KEY - shared) {
        throw bad(
            "has a key that shares " + shared + " bytes and has " + fresh + " of its own",
            "at most " + key.length + " and " + MAX_KEY + " in all");
      }
      if (++entries > MAX_ENTRIES) {
        throw bad("has more than " + MAX_ENTRIES + " entries", "fewer");
      }
      byte[] next = Arrays.copyOf(key, (int) (shared + fresh));
      in.copy((int) fresh, next, (int) shared);
      key = next;
      sink.entry(key, in.readPart(valueLength));
    }
  }

  /** Blocks stand behind each other; a small index cannot have one read a thousand times. */
  private byte[] nextBlock(long offset, long size) {
    if (offset < blocksEnd) {
      throw bad("has a block at byte " + offset, "one at byte " + blocksEnd + " or later");
    }
    byte[] content = block(offset, size);
    blocksEnd = offset + size + TRAILER;
    return content;
  }

  private byte[] block(long offset, long size) {
    long room = bytes.byteSize() - TRAILER;
    if (offset < 0 || size < 0 || size > MAX_BLOCK || size > room || offset > room - size) {
      throw bad(
          "has a block of "
              + Long.toUnsignedString(size)
              + " bytes at byte "
              + Long.toUnsignedString(offset),
          "a block within the " + bytes.byteSize() + " bytes of the file");
    }
    MemorySegment stored = bytes.asSlice(offset, size + 1); // the kind of the block belongs to it
    if (Checksum.of(stored) != bytes.get(INT, offset + size + 1)) {
      throw bad("has a block at byte " + offset + " with a wrong checksum", "the right one");
    }
    byte[] content = stored.asSlice(0, size).toArray(ValueLayout.JAVA_BYTE);
    int kind = stored.get(ValueLayout.JAVA_BYTE, size);
    if (kind == PLAIN) {
      return content;
    }
    byte[] decoded = kind == SNAPPY ? Snappy.decode(content, MAX_BLOCK) : null;
    if (decoded == null) {
      throw bad("has a block of compression " + kind + " that cannot be read", "none or Snappy");
    }
    return decoded;
  }

  private ModelFormatException bad(String found, String expected) {
    return ModelFormatException.of(
        source,
        found,
        expected,
        "The file is damaged or no index of a checkpoint; fetch it again.");
  }
}
