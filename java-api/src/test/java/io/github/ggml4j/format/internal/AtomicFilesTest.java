package io.github.ggml4j.format.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AtomicFilesTest {
  @TempDir Path folder;

  @Test
  void contentLargerThanTheBufferArrivesWhole() throws IOException {
    byte[] content = new byte[(3 << 20) + 17];
    new java.util.Random(1).nextBytes(content);
    Path file = folder.resolve("large");
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment nativeCopy = arena.allocateFrom(ValueLayout.JAVA_BYTE, content);
      AtomicFiles.write(
          file,
          out -> {
            out.write(new byte[] {1, 2, 3});
            out.align(8);
            out.write(nativeCopy);
            assertThat(out.position()).isEqualTo(8 + content.length);
          });
    }
    byte[] written = Files.readAllBytes(file);
    assertThat(written).startsWith(1, 2, 3, 0, 0, 0, 0, 0).hasSize(8 + content.length);
    assertThat(java.util.Arrays.copyOfRange(written, 8, written.length)).isEqualTo(content);
  }

  @Test
  void aFailureLeavesTheOldFileAndNothingElse() throws IOException {
    Path file = folder.resolve("file");
    Files.writeString(file, "old");
    assertThatThrownBy(() ->
            AtomicFiles.write(
                file,
                out -> {
                  out.write(new byte[2 << 20]);
                  throw new IOException("No space left on device");
                }))
        .isInstanceOf(UncheckedIOException.class)
        .hasMessageContaining(file.toString())
        .hasMessageContaining("No space left on device");
    assertThatThrownBy(() ->
            AtomicFiles.write(
                file,
                out -> {
                  throw new IllegalStateException("model closed");
                }))
        .isInstanceOf(IllegalStateException.class);
    assertThat(file).hasContent("old");
    assertThat(folder).isDirectoryNotContaining(path -> !path.equals(file));
  }

  @Test
  void severalFilesAppearTogetherOrNotAtAll() throws IOException {
    Path first = folder.resolve("first");
    Path second = folder.resolve("second");
    try (AtomicFiles files = new AtomicFiles()) {
      files.stage(first, out -> out.write(new byte[] {1}));
      assertThatThrownBy(() -> files.stage(folder, out -> out.write(new byte[] {2})))
          .isInstanceOf(UncheckedIOException.class);
    }
    assertThat(folder).isEmptyDirectory();
    try (AtomicFiles files = new AtomicFiles()) {
      files.stage(first, out -> out.write(new byte[] {1}));
      files.stage(second, out -> out.write(new byte[] {2}));
      assertThat(first).doesNotExist();
      files.commit();
    }
    assertThat(folder).isDirectoryNotContaining(p -> !p.equals(first) && !p.equals(second));
    assertThat(second).hasBinaryContent(new byte[] {2});
  }

  @Test
  void aFolderThatIsNotThereIsNamed() {
    assertThatThrownBy(() -> AtomicFiles.write(folder.resolve("none/file"), out -> {}))
        .isInstanceOf(UncheckedIOException.class)
        .hasMessageContaining("none")
        .hasMessageContaining("folder does not exist");
  }
}
