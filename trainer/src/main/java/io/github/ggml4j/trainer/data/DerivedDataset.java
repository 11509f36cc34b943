package io.github.ggml4j.trainer.data;

import java.util.function.UnaryOperator;
import java.util.stream.Stream;

/** A dataset whose passes are those of another one, changed. */
record DerivedDataset(Dataset origin, UnaryOperator<Stream<String>> change, boolean finite)
    implements Dataset {

  @Override
  public Stream<String> documents() {
    return change.apply(origin.documents());
  }

  @Override
  public String describe() {
    return origin.describe();
  }
}
