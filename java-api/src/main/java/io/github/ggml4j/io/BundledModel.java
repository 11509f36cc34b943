package io.github.ggml4j.io;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** The bytes of the bundled model, copied out of the jar once and kept until the process ends. */
final class BundledModel {
  private static final String RESOURCE = "/io/github/ggml4j/io/bundled.gguf";

  private BundledModel() {}

  private static final class Holder {
    static final MemorySegment BYTES = read();
  }

  static MemorySegment bytes() {
    return Holder.BYTES;
  }

  private static MemorySegment read() {
    try (var in = BundledModel.class.getResourceAsStream(RESOURCE)) {
      if (in == null) {
        throw new IllegalStateException(
            "The bundled model is missing: no resource "
                + RESOURCE
                + " in the jar of ggml4j. Use a complete build of it, or load a model by its"
                + " path.");
      }
      var bytes = in.readAllBytes();
      var memory = Arena.global().allocate(bytes.length, 64);
      memory.copyFrom(MemorySegment.ofArray(bytes));
      return memory;
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot read the bundled model from the jar of ggml4j", e);
    }
  }
}
