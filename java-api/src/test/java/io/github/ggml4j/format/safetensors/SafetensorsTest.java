package io.github.ggml4j.format.safetensors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.ggml4j.format.Goldens;
import io.github.ggml4j.format.ModelFormatException;
import io.github.ggml4j.tensor.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SafetensorsTest {
  private static final String ODD_NAME = "gr\u00fc\u00dfe \u732b \ud83d\ude00 \"\\";

  @TempDir Path folder;

  @Test
  void readsEveryTypeOfTheReferenceLibrary() {
    try (SafetensorsFile file = SafetensorsFile.open(Goldens.path("types.safetensors"))) {
      assertThat(file.metadata()).isEqualTo(Map.of("format", "pt"));
      assertThat(file.tensors()).hasSize(16);
      SafetensorsEntry f16 = entry(file, "f16");
      assertThat(f16.dtype()).isEqualTo(DType.F16);
      assertThat(f16.shape()).containsExactly(2, 3);
      assertThat(file.data("f16").toArray(ValueLayout.JAVA_SHORT_UNALIGNED))
          .containsExactly(0, 0x3c00, 0x3c00, 0x3c00, 0, 0x3c00);
      assertThat(file.data("b").toArray(ValueLayout.JAVA_BYTE)).containsExactly(0, 1, 1, 1, 0, 1);
      assertThat(entry(file, "scalar").shape()).isEmpty();
      assertThat(file.data("scalar").get(ValueLayout.JAVA_FLOAT_UNALIGNED, 0)).isEqualTo(2.5f);
      assertThat(file.data("empty").byteSize()).isZero();
      assertThat(file.data(ODD_NAME).byteSize()).isEqualTo(4);
      assertThat(file.data("u64").isReadOnly()).isTrue();
      assertThatThrownBy(() -> file.data("none")).hasMessageContaining("none");
    }
  }

  @Test
  void writesTheBytesOfTheReferenceLibrary() {
    for (String name : new String[] {"types.safetensors", "f32/model.safetensors"}) {
      Path copy = folder.resolve("copy.safetensors");
      try (SafetensorsFile file = SafetensorsFile.open(Goldens.path(name))) {
        SafetensorsWriter writer = new SafetensorsWriter();
        file.metadata().forEach(writer::metadata);
        file.tensors()
            .values()
            .forEach(t -> writer.add(t.name(), t.dtype(), t.shape(), () -> file.data(t.name())));
        writer.write(copy);
      }
      assertThat(copy).hasBinaryContent(Goldens.bytes(name));
    }
  }

  @Test
  void controlCharactersSurviveARoundTrip() {
    String odd = "a\u0000\u0001\u001f\b\f\n\r\t\u007f/\u2028";
    Path path = folder.resolve("odd.safetensors");
    new SafetensorsWriter()
        .metadata(odd, odd)
        .add(odd, DType.U8, new long[] {1}, () -> MemorySegment.ofArray(new byte[] {5}))
        .write(path);
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      assertThat(file.metadata()).isEqualTo(Map.of(odd, odd));
      assertThat(file.data(odd).get(ValueLayout.JAVA_BYTE, 0)).isEqualTo((byte) 5);
    }
  }

  @Test
  void closedFilesSaySo() {
    SafetensorsFile file = SafetensorsFile.open(Goldens.path("types.safetensors"));
    MemorySegment data = file.data("f32");
    file.close();
    file.close();
    assertThatThrownBy(() -> file.data("f32"))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("Already closed");
    assertThatThrownBy(() -> data.get(ValueLayout.JAVA_BYTE, 0))
        .isInstanceOf(IllegalStateException.class);
  }

  @Test
  void theWriterChecksWhatItIsGiven() {
    SafetensorsWriter writer = new SafetensorsWriter();
    assertThatThrownBy(() -> writer.add("q", DType.Q4_0, new long[] {32}, () -> bytes(18)))
        .hasMessageContaining("Q4_0");
    assertThatThrownBy(() -> writer.add("n", DType.F32, new long[] {-1}, () -> bytes(4)))
        .hasMessageContaining("-1");
    writer.add("a", DType.F32, new long[] {2}, () -> bytes(7));
    assertThatThrownBy(() -> writer.add("a", DType.F32, new long[] {2}, () -> bytes(8)))
        .hasMessageContaining("twice");
    Path path = folder.resolve("bad.safetensors");
    assertThatThrownBy(() -> writer.write(path)).hasMessageContaining("7 bytes; expected 8");
    assertThat(folder).isEmptyDirectory();
    assertThatThrownBy(() ->
            new SafetensorsWriter()
                .add("\ud800", DType.F32, new long[] {}, () -> bytes(4))
                .write(path))
        .hasMessageContaining("surrogate");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{'a':{'dtype':'F32','shape':[1],'data_offsets':[0,4]}|4|not valid JSON",
        "{'a':{'dtype':'F32','shape':[1],'data_offsets':[0,8]}}|8|4 bytes",
        "{'a':{'dtype':'F32','shape':[1],'data_offsets':[0,4]}}|8|end of the last tensor",
        "{'a':{'dtype':'F32','shape':[1],'data_offsets':[0,4]}}|0|a range within",
        "{'a':{'dtype':'F32','shape':[1],'data_offsets':[4,8]}}|8|no gaps",
        "{'a':{'dtype':'F32','shape':[1],'data_offsets':[8,4]}}|8|a range within",
        "{'a':{'dtype':'F32','shape':[-1],'data_offsets':[0,4]}}|4|whole numbers",
        "{'a':{'dtype':'F32','shape':[1.0],'data_offsets':[0,4]}}|4|VALUE_NUMBER_INT",
        "{'a':{'dtype':'F32','shape':[99999999999999999999],'data_offsets':[0,4]}}|4|whole numbers",
        "{'a':{'dtype':'F32','shape':[4294967296,4294967296],'data_offsets':[0,0]}}|0|can be"
            + " stored",
        "{'a':{'dtype':'F32','shape':[9223372036854775807],'data_offsets':[0,4]}}|4|can be stored",
        "{'a':{'dtype':'F99','shape':[1],'data_offsets':[0,4]}}|4|F99",
        "{'a':{'dtype':'Q4_0','shape':[32],'data_offsets':[0,18]}}|18|Q4_0",
        "{'a':{'dtype':5,'shape':[1],'data_offsets':[0,4]}}|4|VALUE_STRING",
        "{'a':{'dtype':'F32','shape':[1],'data_offsets':[0,4,8]}}|4|more than 2",
        "{'a':{'dtype':'F32','shape':[1],'data_offsets':[0]}}|4|incomplete",
        "{'a':{'dtype':'F32','shape':[1]}}|4|incomplete",
        "{'a':{'dtype':'F32','dtype':'F32','shape':[1],'data_offsets':[0,4]}}|4|twice",
        "{'a':{'dtype':'F32','shape':[1],'data_offsets':[0,4],'x':1}}|4|unknown field",
        "{'a':7}|0|START_OBJECT",
        "{'__metadata__':{'a':1}}|0|VALUE_STRING",
        "{'__metadata__':{},'__metadata__':{}}|0|twice",
        "{}{}|0|after the header",
        "[]|0|does not start",
      })
  void hostileHeadersAreNamedErrors(String header, int dataBytes, String expected) {
    byte[] json = header.replace('\'', '"').getBytes(StandardCharsets.UTF_8);
    byte[] file =
        ByteBuffer.allocate(8 + json.length + dataBytes)
            .order(ByteOrder.LITTLE_ENDIAN)
            .putLong(json.length)
            .put(json)
            .array();
    assertThatThrownBy(() -> SafetensorsFile.of(MemorySegment.ofArray(file), "evil.safetensors"))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageStartingWith("evil.safetensors")
        .hasMessageContaining(expected);
  }

  @Test
  void duplicateAndOverlappingTensorsAreErrors() {
    String a = "\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}";
    String b = "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[2,6]}";
    assertHeaderFails("{" + a + "," + a + "}", 4, "twice");
    assertHeaderFails("{" + a + "," + b + "}", 6, "no overlaps");
  }

  @ParameterizedTest
  @CsvSource({"0", "1", "100", "100000001", "-1", "9223372036854775807", "-9223372036854775808"})
  void wrongHeaderLengthsAreErrors(long length) {
    byte[] file = ByteBuffer.allocate(40).order(ByteOrder.LITTLE_ENDIAN).putLong(length).array();
    assertThatThrownBy(() -> SafetensorsFile.of(MemorySegment.ofArray(file), "f"))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining(Long.toUnsignedString(length));
  }

  @Test
  void missingEmptyAndShortFilesAreErrors() throws Exception {
    assertThatThrownBy(() -> SafetensorsFile.open(folder.resolve("none")))
        .isInstanceOf(ModelFormatException.class);
    assertThatThrownBy(() -> SafetensorsFile.open(folder)).hasMessageContaining("is a folder");
    Path empty = Files.createFile(folder.resolve("empty"));
    assertThatThrownBy(() -> SafetensorsFile.open(empty)).hasMessageContaining("has 0 bytes");
    assertThatThrownBy(() -> SafetensorsFile.of(bytes(7), "seven"))
        .hasMessageContaining("has 7 bytes");
  }

  private static void assertHeaderFails(String header, int dataBytes, String expected) {
    byte[] json = header.getBytes(StandardCharsets.UTF_8);
    byte[] file =
        ByteBuffer.allocate(8 + json.length + dataBytes)
            .order(ByteOrder.LITTLE_ENDIAN)
            .putLong(json.length)
            .put(json)
            .array();
    assertThatThrownBy(() -> SafetensorsFile.of(MemorySegment.ofArray(file), "f"))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining(expected);
  }

  private static SafetensorsEntry entry(SafetensorsFile file, String name) {
    return java.util.Objects.requireNonNull(file.tensors().get(name));
  }

  private static MemorySegment bytes(int count) {
    return MemorySegment.ofArray(new byte[count]);
  }
}
