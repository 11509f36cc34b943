package io.github.ggml4j.trainer.data;

import java.util.function.Supplier;
import java.util.stream.Stream;

/** A dataset from a function that opens a stream. */
record StreamDataset(String describe, Supplier<Stream<String>> streams, boolean finite)
    implements Dataset {

  @Override
  public Stream<String> documents() {
    return streams.get();
  }
}
