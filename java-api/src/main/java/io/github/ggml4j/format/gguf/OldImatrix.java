package io.github.ggml4j.format.gguf;

import static io.github.ggml4j.format.internal.LittleEndian.FLOAT;
import static io.github.ggml4j.format.internal.LittleEndian.INT;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.github.ggml4j.format.ModelFormatException;
import io.github.ggml4j.internal.Names;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The older form of an importance matrix, {@code .dat}: without a magic number, with means times a
 * number of calls.
 */
final class OldImatrix {
  /** llama.cpp's names have at most 63 bytes. */
  private static final int MAX_NAME = 1024;

  private static final int MAX_PATH = 1 << 16;

  private final MemorySegment bytes;
  private final String source;
  private long at;

  private OldImatrix(MemorySegment bytes, String source) {
    this.bytes = bytes;
    this.source = source;
  }

  /** Reads a whole file. */
  static ImatrixFile read(MemorySegment bytes, String source) {
    return new OldImatrix(bytes, source).read();
  }

  private ImatrixFile read() {
    int count = number("the number of entries", 1, Integer.MAX_VALUE);
    Map<String, ImatrixFile.Entry> entries = new TreeMap<>();
    for (int i = 0; i < count; i++) {
      String name = text("the length of a name", 1, MAX_NAME);
      long calls = number("the number of calls of " + Names.quote(name), 0, Integer.MAX_VALUE);
      int values = number("the number of values of " + Names.quote(name), 1, Integer.MAX_VALUE);
      need(4L * values);
      float[] sums = bytes.asSlice(at, 4L * values).toArray(FLOAT);
      at += 4L * values;
      if (calls == 0) {
        calls = 1; // as llama.cpp takes it
      }
      entries.put(name, ImatrixFile.entry(sums, new float[] {calls}, source, name));
    }
    int chunks = 0;
    List<String> sources = new ArrayList<>();
    if (at < bytes.byteSize()) { // the end is optional
      chunks = number("the number of chunks", 0, Integer.MAX_VALUE);
      if (at < bytes.byteSize()) {
        String text = text("the length of the text's name", 0, MAX_PATH);
        if (!text.isEmpty()) {
          sources.add(text);
        }
      }
    }
    return new ImatrixFile(entries, sources, chunks, 0);
  }

  private String text(String what, int least, int most) {
    int length = number(what, least, most);
    need(length);
    byte[] utf8 = bytes.asSlice(at, length).toArray(JAVA_BYTE);
    at += length;
    return new String(utf8, StandardCharsets.UTF_8);
  }

  private int number(String what, int least, int most) {
    need(4);
    int value = bytes.get(INT, at);
    if (value < least || value > most) {
      throw ModelFormatException.of(
          source,
          "has " + value + " as " + what + " at byte " + at,
          least + " to " + most,
          "This is no importance matrix of llama.cpp, or a damaged one.");
    }
    at += 4;
    return value;
  }

  private void need(long size) {
    if (bytes.byteSize() - at < size) {
      throw ModelFormatException.of(
          source,
          "ends at byte " + bytes.byteSize() + " within an entry",
          size + " more bytes at " + at,
          "This is no importance matrix of llama.cpp, or an incomplete one.");
    }
  }

  /**
   * The bytes of a file of this form.
   *
   * @throws IllegalArgumentException when it counts more than this form can
   */
  static byte[] bytes(ImatrixFile file) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    putInt(out, file.entries().size());
    file.entries()
        .forEach((name, entry) -> {
          long most = Arrays.stream(entry.counts()).max().orElse(0);
          long size = Math.max(file.chunkSize(), 1);
          long calls = (most + size - 1) / size;
          if (calls > Integer.MAX_VALUE) {
            throw new IllegalArgumentException(
                name
                    + " has sums of "
                    + most
                    + " squares, which is too much for the older form of importance matrices. Write"
                    + " GGUF: a name that does not end with .dat.");
          }
          float[] values = entry.means();
          for (int i = 0; i < values.length; i++) {
            values[i] *= calls;
          }
          putText(out, name);
          putInt(out, (int) calls);
          putInt(out, values.length);
          out.writeBytes(ImatrixFile.encode(values));
        });
    putInt(out, file.chunkCount());
    putText(out, file.sources().isEmpty() ? "" : file.sources().getLast());
    return out.toByteArray();
  }

  private static void putText(ByteArrayOutputStream out, String text) {
    byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
    putInt(out, utf8.length);
    out.writeBytes(utf8);
  }

  private static void putInt(ByteArrayOutputStream out, int value) {
    out.writeBytes(ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(value).array());
  }
}
