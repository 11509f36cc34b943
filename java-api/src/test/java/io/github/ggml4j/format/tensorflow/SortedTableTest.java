package io.github.ggml4j.format.tensorflow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.ggml4j.format.ModelFormatException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class SortedTableTest {
  private final ByteBuffer table = ByteBuffer.allocate(1024).order(ByteOrder.LITTLE_ENDIAN);

  /** Writes a block of entries of one letter, and returns where it is. */
  private byte[] block(String keys, byte[]... values) {
    int start = table.position();
    for (int i = 0; i < values.length; i++) {
      table.put((byte) 0).put((byte) 1).put((byte) values[i].length).put((byte) keys.charAt(i));
      table.put(values[i]);
    }
    table.putInt(0); // restarts
    int size = table.position() - start;
    table.put((byte) 0); // not compressed
    var stored = MemorySegment.ofArray(table.array()).asSlice(start, size + 1);
    table.putInt(Checksum.of(stored));
    return new byte[] {(byte) start, (byte) size};
  }

  private List<String> read(byte[] index) {
    int footer = table.position();
    table.put((byte) 0).put((byte) 0).put(index);
    table.position(footer + 40).putLong(0xdb47_7524_8b80_fb57L);
    var bytes = MemorySegment.ofArray(table.array()).asSlice(0, table.position());
    List<String> found = new ArrayList<>();
    new SortedTable(bytes, "test.index")
        .read((key, value) -> found.add((char) key[0] + "=" + value.readVarint()));
    return found;
  }

  @Test
  void entriesOfAllBlocksComeInOrder() {
    byte[] first = block("ab", new byte[] {1}, new byte[] {2});
    byte[] second = block("c", new byte[] {3});

    assertThat(read(block("bc", first, second))).containsExactly("a=1", "b=2", "c=3");
  }

  @Test
  void aBlockIsReadOnce() {
    byte[] empty = block("");
    byte[] index = block("ab", empty, empty);

    assertThatThrownBy(() -> read(index))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("test.index")
        .hasMessageContaining("has a block at byte 0");
  }
}
