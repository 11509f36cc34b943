package io.github.ggml4j.format.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.ggml4j.format.Goldens;
import io.github.ggml4j.format.ModelFormatException;
import io.github.ggml4j.tensor.DType;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GgufTest {
  @TempDir Path folder;

  @Test
  void readsEveryTypeThatTheGgufPackageWrites() {
    try (GgufFile file = GgufFile.open(Goldens.path("types.gguf"))) {
      assertThat(file.version()).isEqualTo(3);
      assertThat(file.alignment()).isEqualTo(64);
      assertThat(file.get("u8").asLong()).isEqualTo(255);
      assertThat(file.get("i8").asLong()).isEqualTo(-128);
      assertThat(file.get("u16").asLong()).isEqualTo(65535);
      assertThat(file.get("i16").asLong()).isEqualTo(-32768);
      assertThat(file.get("u32").asLong()).isEqualTo(4294967295L);
      assertThat(file.get("i32").asInt(Integer.MIN_VALUE, 0)).isEqualTo(Integer.MIN_VALUE);
      assertThat(file.get("i64").asLong()).isEqualTo(Long.MIN_VALUE);
      assertThatThrownBy(() -> file.get("u64").asLong())
          .isInstanceOf(ModelFormatException.class)
          .hasMessageContaining("18446744073709551615");
      assertThat(file.get("f32").asDouble()).isEqualTo(0.1f);
      assertThat(file.get("f64").asDouble()).isEqualTo(0.1);
      assertThat(file.get("bool").asBoolean()).isTrue();
      assertThat(file.get("string").asString()).isEqualTo("gr\u00fc\u00dfe \u732b \ud83d\ude00");
      assertThat(file.get("strings").asStrings()).containsExactly("a", "", "\u732b");
      assertThat(file.get("ints").asInts()).containsExactly(1, -2, 3);
      assertThat(file.get("floats").asDoubles()).containsExactly(0.5, -1.5);
      assertThat(file.get("flags").count()).isEqualTo(2);
      for (GgufTensor tensor : file.tensors().values()) {
        assertThat(tensor.name()).isEqualTo("t." + tensor.dtype());
        assertThat(tensor.shape()).containsExactly(2, tensor.dtype().blockSize());
        assertThat(file.data(tensor.name()).byteSize())
            .isEqualTo(2L * tensor.dtype().bytesPerBlock());
      }
    }
  }

  @Test
  void wrongTypesAreNamedErrors() {
    try (GgufFile file = GgufFile.open(Goldens.path("types.gguf"))) {
      assertWrong(() -> file.get("u8").asString(), "'u8'", "a string");
      assertWrong(() -> file.get("string").asLong(), "'string'", "an integer");
      assertWrong(() -> file.get("u8").asBoolean(), "'u8'", "a bool");
      assertWrong(() -> file.get("ints").asDouble(), "'ints'", "a number");
      assertWrong(() -> file.get("ints").asStrings(), "'ints'", "strings");
      assertWrong(() -> file.get("u8").asInts(), "'u8'", "integers");
      assertWrong(() -> file.get("u8").asInt(0, 7), "255", "0 to 7");
      assertWrong(() -> file.get("nothing"), "nothing", "complete");
    }
  }

  @Test
  void writesTheBytesOfTheGgufPackage() {
    for (String name : List.of("f32.gguf", "f16.gguf")) {
      Path copy = folder.resolve(name);
      copy(Goldens.path(name), copy);
      assertThat(copy).hasBinaryContent(Goldens.bytes(name));
    }
  }

  @Test
  void everyTypeSurvivesARoundTrip() {
    Path copy = folder.resolve("types.gguf");
    try (GgufFile file = GgufFile.open(Goldens.path("types.gguf"))) {
      GgufWriter writer = new GgufWriter();
      file.metadata()
          .forEach((key, value) -> {
            if (!key.equals("general.alignment")) {
              writer.putValue(key, value);
            }
          });
      file.tensors()
          .values()
          .forEach(t -> writer.add(t.name(), t.dtype(), t.shape(), () -> file.data(t.name())));
      writer.write(copy);
      try (GgufFile again = GgufFile.open(copy)) {
        assertThat(again.tensors().keySet()).isEqualTo(file.tensors().keySet());
        again
            .metadata()
            .forEach((key, value) -> {
              assertThat(value).hasToString(file.get(key).toString());
              assertThat(value.type()).isEqualTo(file.get(key).type());
            });
        for (String name : file.tensors().keySet()) {
          assertThat(again.data(name).mismatch(file.data(name))).isEqualTo(-1);
        }
      }
    }
  }

  @Test
  void versionTwoIsRead() {
    byte[] bytes = Goldens.bytes("f32.gguf");
    bytes[4] = 2;
    assertThat(GgufFile.of(MemorySegment.ofArray(bytes), "v2").version()).isEqualTo(2);
  }

  @Test
  void vocabularySurvivesARoundTrip() {
    GgufVocabulary vocabulary =
        new GgufVocabulary(
            List.of("a", "\u0120", "<|endoftext|>"),
            new int[] {1, 1, 3},
            List.of("a b"),
            2,
            2,
            null);
    Path path = folder.resolve("vocab.gguf");
    GgufWriter writer = new GgufWriter();
    vocabulary.padded(5).putInto(writer);
    writer.write(path);
    try (GgufFile file = GgufFile.open(path)) {
      GgufVocabulary read = GgufVocabulary.of(file);
      assertThat(read).isEqualTo(vocabulary.padded(5));
      assertThat(read.tokens()).endsWith("[PAD3]", "[PAD4]");
      assertThat(read.types()).containsExactly(1, 1, 3, 5, 5);
    }
    assertThatThrownBy(() -> vocabulary.padded(2)).hasMessageContaining("at most 2");
    assertThatThrownBy(() -> new GgufVocabulary(List.of("a"), new int[0], List.of(), 0, 0, 0))
        .hasMessageContaining("one for each");
    assertThatThrownBy(() -> new GgufVocabulary(List.of("a"), new int[1], List.of(), 1, 0, 0))
        .hasMessageContaining("bos_token_id");
  }

  @Test
  void otherTokenizersAreRefused() {
    assertThatThrownBy(
            () -> GgufVocabulary.of(file(w -> w.putString("tokenizer.ggml.model", "llama"))))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("is llama; expected gpt2");
    assertThatThrownBy(() ->
            GgufVocabulary.of(
                file(w ->
                    w.putString("tokenizer.ggml.model", "gpt2")
                        .putString("tokenizer.ggml.pre", "qwen2"))))
        .hasMessageContaining("is qwen2; expected gpt-2");
  }

  @Test
  void hostileHeadsAreNamedErrors() {
    assertBad(b -> {}, "magic", new byte[3]);
    assertBad(b -> {}, "does not start with 'GGUF'", new byte[64]);
    assertHead(h -> h.putInt(1), "version 1");
    assertHead(h -> h.putInt(0x03000000), "big-endian");
    assertHead(h -> h.putInt(3).putLong(-1).putLong(0), "18446744073709551615 tensors");
    assertHead(h -> h.putInt(3).putLong(0).putLong(Long.MAX_VALUE), "metadata keys");
    assertHead(h -> h.putInt(3).putLong(1L << 40).putLong(0), "tensors");
    assertHead(h -> kv(h, "", 0).put((byte) 1), "is empty");
    assertHead(h -> h.putInt(3).putLong(0).putLong(1).putLong(1L << 62), "metadata key 0");
    assertHead(h -> kv(h, "k", 13), "type 13");
    assertHead(h -> kv(h, "k", -1), "type 4294967295");
    assertHead(h -> kv(h, "k", 7).put((byte) 2), "0 or 1");
    assertHead(h -> kv(h, "k", 8).putLong(1L << 40), "1099511627776 bytes");
    assertHead(h -> kv(h, "k", 9).putInt(9).putLong(0), "array of arrays");
    assertHead(h -> kv(h, "k", 9).putInt(4).putLong(1L << 61), "elements");
    assertHead(h -> kv(h, "k", 9).putInt(8).putLong(-1), "elements");
    assertHead(h -> kv(h, "k", 9).putInt(8).putLong(2).putLong(Long.MIN_VALUE), "bytes");
    assertHead(h -> kv(h, "general.alignment", 4).putInt(3), "power of two");
    assertHead(h -> kv(h, "general.alignment", 4).putInt(0), "power of two");
    assertHead(h -> kv(h, "general.alignment", 5).putInt(32), "UINT32");
    assertHead(h -> kv(h, "\u0000\u00ff", 4).putInt(32).put(24, (byte) 0xff), "");
    assertHead(h -> tensor(h, "t", 5), "5 dimensions");
    assertHead(h -> tensor(h, "t", -1), "dimensions");
    assertHead(h -> tensor(h, "t", 1).putLong(-4).putInt(0).putLong(0), "shape [-4]");
    assertHead(
        h -> tensor(h, "t", 2).putLong(1L << 40).putLong(1L << 40).putInt(0).putLong(0), "shape");
    assertHead(h -> tensor(h, "t", 1).putLong(4).putInt(4).putLong(0), "ggml type 4");
    assertHead(h -> tensor(h, "t", 1).putLong(4).putInt(43).putLong(0), "ggml type 43");
    assertHead(h -> tensor(h, "t", 1).putLong(31).putInt(2).putLong(0), "blocks of 32");
    assertHead(h -> tensor(h, "t", 1).putLong(4).putInt(0).putLong(32), "offset 32");
    assertHead(h -> tensor(h, "t", 1).putLong(4).putInt(0).putLong(-32), "offset");
    assertHead(h -> tensor(h, "t", 1).putLong(1L << 50).putInt(0).putLong(0), "needs bytes");
    assertHead(h -> tensor(h, "t".repeat(64), 1), "64 bytes");
  }

  @Test
  void duplicatesAreErrors() {
    byte[] one = new byte[] {1, 0, 0, 0, 0, 0, 0, 0, 'k', 0, 0, 0, 0, 7};
    assertHead(h -> h.putInt(3).putLong(0).putLong(2).put(one).put(one), "twice");
  }

  @Test
  void truncationAnywhereIsAnError() {
    byte[] whole = Goldens.bytes("f16.gguf");
    try (GgufFile file = GgufFile.of(MemorySegment.ofArray(whole), "whole")) {
      GgufTensor last = file.tensors().values().stream().reduce((a, b) -> b).orElseThrow();
      long end = whole.length - 32 + last.byteSize() % 32;
      for (int length = 0; length < whole.length - 32; length++) {
        MemorySegment cut = MemorySegment.ofArray(whole).asSlice(0, length);
        assertThatThrownBy(() -> GgufFile.of(cut, "cut"))
            .isInstanceOf(ModelFormatException.class)
            .hasMessageStartingWith("cut: ");
      }
      assertThat(end).isLessThanOrEqualTo(whole.length);
    }
  }

  @Test
  void theWriterChecksWhatItIsGiven() {
    GgufWriter writer = new GgufWriter().putBool("k", true);
    assertThatThrownBy(() -> writer.putBool("k", true)).hasMessageContaining("twice");
    assertThatThrownBy(() -> writer.putUint32("u", -1)).hasMessageContaining("-1");
    assertThatThrownBy(() -> writer.putString("", "v")).hasMessageContaining("key");
    assertThatThrownBy(() -> add(writer, "t", DType.U8, 1)).hasMessageContaining("U8");
    assertThatThrownBy(() -> add(writer, "t", DType.Q4_0, 2, 16)).hasMessageContaining("32");
    assertThatThrownBy(() -> add(writer, "t", DType.F32, 1, 1, 1, 1, 1))
        .hasMessageContaining("5 dimensions");
    assertThatThrownBy(() -> add(writer, "t".repeat(64), DType.F32, 1)).hasMessageContaining("63");
    assertThatThrownBy(() -> add(writer, "t", DType.F32, -1)).hasMessageContaining("-1");
    add(writer, "t", DType.F32, 2);
    assertThatThrownBy(() -> add(writer, "t", DType.F32, 2)).hasMessageContaining("twice");
    assertThatThrownBy(() -> writer.write(folder.resolve("bad.gguf")))
        .hasMessageContaining("expected 8");
    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void closedFilesSaySo() {
    GgufFile file = GgufFile.open(Goldens.path("types.gguf"));
    GgufValue strings = file.get("strings");
    file.close();
    file.close();
    assertThatThrownBy(() -> file.data("t.Q4_0")).hasMessageContaining("Already closed");
    assertThatThrownBy(strings::asStrings).hasMessageContaining("Already closed");
  }

  private static void add(GgufWriter writer, String name, DType type, long... shape) {
    writer.add(name, type, shape, () -> MemorySegment.ofArray(new byte[1]));
  }

  private GgufFile file(Consumer<GgufWriter> content) {
    Path path = folder.resolve("made.gguf");
    GgufWriter writer = new GgufWriter();
    content.accept(writer);
    writer.write(path);
    try {
      return GgufFile.of(MemorySegment.ofArray(Files.readAllBytes(path)), "made.gguf");
    } catch (java.io.IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  private static void copy(Path from, Path to) {
    try (GgufFile file = GgufFile.open(from)) {
      GgufWriter writer = new GgufWriter();
      file.metadata().forEach(writer::putValue);
      file.tensors()
          .values()
          .forEach(t -> writer.add(t.name(), t.dtype(), t.shape(), () -> file.data(t.name())));
      writer.write(to);
    }
  }

  private static ByteBuffer kv(ByteBuffer head, String key, int type) {
    byte[] utf8 = key.getBytes(StandardCharsets.UTF_8);
    return head.putInt(3).putLong(0).putLong(1).putLong(utf8.length).put(utf8).putInt(type);
  }

  private static ByteBuffer tensor(ByteBuffer head, String name, int dimensions) {
    byte[] utf8 = name.getBytes(StandardCharsets.UTF_8);
    return head.putInt(3).putLong(1).putLong(0).putLong(utf8.length).put(utf8).putInt(dimensions);
  }

  private static void assertHead(Consumer<ByteBuffer> content, String expected) {
    assertBad(content, expected, new byte[256]);
  }

  private static void assertBad(Consumer<ByteBuffer> content, String expected, byte[] bytes) {
    ByteBuffer head = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    if (bytes.length == 256) {
      head.put("GGUF".getBytes(StandardCharsets.US_ASCII));
    }
    content.accept(head);
    assertThatThrownBy(() -> GgufFile.of(MemorySegment.ofArray(bytes), "evil.gguf"))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageStartingWith("evil.gguf: ")
        .hasMessageContaining(expected)
        .message()
        .hasSizeLessThan(500);
  }

  private static void assertWrong(Runnable access, String found, String expected) {
    assertThatThrownBy(access::run)
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("types.gguf")
        .hasMessageContaining(found)
        .hasMessageContaining(expected);
  }
}
