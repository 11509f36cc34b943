package io.github.ggml4j.internal;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.function.Function;

/**
 * Recognises the pointers that Git LFS leaves in place of large files, when a repository was cloned
 * without Git LFS. Format: {@code git-lfs/docs/spec.md}.
 */
public final class LfsPointer {
  private static final byte[] START =
      "version https://git-lfs.github.com/spec/".getBytes(StandardCharsets.US_ASCII);

  /** A pointer is smaller than this. */
  public static final int MAX_SIZE = 1024;

  private LfsPointer() {}

  /**
   * Refuses a pointer.
   *
   * @param file path of the file, for the message
   * @param bytes its content
   * @param error makes the exception to throw, from its message
   */
  public static void refuse(
      String file, MemorySegment bytes, Function<String, ? extends RuntimeException> error) {
    if (bytes.byteSize() >= START.length
        && bytes.byteSize() < MAX_SIZE
        && bytes.asSlice(0, START.length).mismatch(MemorySegment.ofArray(START)) < 0) {
      var text = new String(bytes.toArray(ValueLayout.JAVA_BYTE), StandardCharsets.ISO_8859_1);
      var size = text.lines().filter(line -> line.matches("size \\d{1,18}")).findFirst();
      throw error.apply(
          file
              + ": is a Git LFS pointer to the file and not the file itself"
              + size.map(line -> " (of " + line.substring(5) + " bytes)").orElse("")
              + "; expected the content of the file. Run 'git lfs pull' in its folder, or download"
              + " the file.");
    }
  }
}
