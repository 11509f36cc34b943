package io.github.ggml4j.trainer.data;

import java.util.function.Supplier;
import java.util.stream.Stream;

/** A dataset from a function that opens a pass. */
record SuppliedDataset(String describe, Supplier<Stream<String>> passes, boolean finite)
    implements Dataset {

  @Override
  public Stream<String> documents() {
    return passes.get();
  }
}
