package io.github.ggml4j.format.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.ggml4j.Golden;
import io.github.ggml4j.format.ModelFormatException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.Objects;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;

class StoredZipTest {
  private static final int CENTRAL = 46;
  private static final int END = 22;

  @Test
  void contentsAreFoundInPlace() throws IOException {
    byte[] file = golden();
    MemorySegment bytes = MemorySegment.ofArray(file);
    StoredZip zip = new StoredZip(bytes, "file");
    assertThat(zip.names()).contains("pytorch_model/data.pkl", "pytorch_model/data/0");
    MemorySegment order = Objects.requireNonNull(zip.find("pytorch_model/byteorder"));
    assertThat(new String(order.toArray(ValueLayout.JAVA_BYTE), StandardCharsets.US_ASCII))
        .isEqualTo("little");
    assertThat(order.heapBase().orElseThrow()).isSameAs(file);
    assertThat(zip.find("none")).isNull();
  }

  /** As PyTorch writes files of more than 4 GiB, here with small numbers in the large fields. */
  @Test
  void archivesOfMoreThanFourGigabytes() throws IOException {
    byte[] file = golden();
    StoredZip small = new StoredZip(MemorySegment.ofArray(file), "small");
    MemorySegment large = MemorySegment.ofArray(zip64(file));
    StoredZip zip = new StoredZip(large, "large");
    assertThat(zip.names()).containsExactlyElementsOf(small.names());
    for (String name : zip.names()) {
      MemorySegment content = Objects.requireNonNull(zip.find(name));
      assertThat(content.mismatch(Objects.requireNonNull(small.find(name)))).isEqualTo(-1);
    }
    assertThat(TorchFile.of(large, "large").tensors()).hasSize(17);
  }

  @Test
  void whatIsCompressedOrEncryptedIsRefused() throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(out)) {
      zip.putNextEntry(new ZipEntry("model/data.pkl"));
      zip.write(new byte[1000]);
      zip.closeEntry();
      zip.setComment("with a comment at the end");
    }
    assertThatThrownBy(() -> TorchFile.of(MemorySegment.ofArray(out.toByteArray()), "file"))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("'model/data.pkl' is compressed or encrypted");
    byte[] file = golden();
    ByteBuffer buffer = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
    int directory = buffer.getInt(file.length - END + 16);
    file[directory + 8] |= 1;
    assertThatThrownBy(() -> TorchFile.of(MemorySegment.ofArray(file), "file"))
        .hasMessageContaining("encrypted");
  }

  @Test
  void aDownloadThatBrokeOffIsSaidToBe() throws IOException {
    byte[] file = golden();
    byte[] half = Arrays.copyOf(file, file.length / 2);
    assertThatThrownBy(() -> TorchFile.of(MemorySegment.ofArray(half), "file"))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("its download is not complete");
  }

  private static byte[] golden() throws IOException {
    return Files.readAllBytes(Golden.path("readers/torch-views/pytorch_model.bin"));
  }

  /** The same archive with every size and offset of its directory in the fields of ZIP64. */
  private static byte[] zip64(byte[] file) {
    ByteBuffer in = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
    int count = in.getShort(file.length - END + 10);
    int directory = in.getInt(file.length - END + 16);
    ByteBuffer out =
        ByteBuffer.allocate(file.length + 28 * count + 76 + END).order(ByteOrder.LITTLE_ENDIAN);
    out.put(file, 0, directory);
    int at = directory;
    for (int i = 0; i < count; i++) {
      int name = in.getShort(at + 28);
      int old = out.position();
      out.put(file, at, CENTRAL + name);
      out.putInt(old + 20, -1).putInt(old + 24, -1).putInt(old + 42, -1);
      out.putShort(old + 30, (short) 28).putShort(old + 32, (short) 0);
      out.putShort((short) 1).putShort((short) 24);
      out.putLong(in.getInt(at + 24)).putLong(in.getInt(at + 20)).putLong(in.getInt(at + 42));
      at += CENTRAL + name + in.getShort(at + 30) + in.getShort(at + 32);
    }
    int end = out.position();
    out.putInt(0x0606_4b50).putLong(44).putShort((short) 45).putShort((short) 45).putLong(0);
    out.putLong(count).putLong(count).putLong(end - directory).putLong(directory);
    out.putInt(0x0706_4b50).putInt(0).putLong(end).putInt(1);
    out.putInt(0x0605_4b50).putInt(0).putShort((short) -1).putShort((short) -1);
    out.putInt(-1).putInt(-1).putShort((short) 0);
    return Arrays.copyOf(out.array(), out.position());
  }
}
