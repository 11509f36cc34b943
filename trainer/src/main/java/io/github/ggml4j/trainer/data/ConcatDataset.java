package io.github.ggml4j.trainer.data;

import java.util.Iterator;
import java.util.List;
import java.util.Spliterator;
import java.util.Spliterators;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.jspecify.annotations.Nullable;

/** Datasets one after the other, each opened when its turn comes. */
record ConcatDataset(List<Dataset> parts) implements Dataset {

  @Override
  public Stream<String> documents() {
    // Not flatMap: its iterator would hold a whole part in memory.
    Pass pass = new Pass(parts.iterator());
    return StreamSupport.stream(
            Spliterators.spliteratorUnknownSize(
                new DocumentIterator(pass), Spliterator.ORDERED | Spliterator.NONNULL),
            false)
        .onClose(pass::close);
  }

  @Override
  public boolean finite() {
    return parts.stream().allMatch(Dataset::finite);
  }

  @Override
  public String describe() {
    return parts.stream().map(Dataset::describe).collect(Collectors.joining(" + "));
  }

  private static final class Pass implements DocumentReader {
    private final Iterator<Dataset> parts;
    private @Nullable Stream<String> open;
    private @Nullable Iterator<String> documents;

    Pass(Iterator<Dataset> parts) {
      this.parts = parts;
    }

    @Override
    public @Nullable String next() {
      while (documents == null || !documents.hasNext()) {
        close();
        if (!parts.hasNext()) {
          return null;
        }
        open = parts.next().documents();
        documents = open.iterator();
      }
      return documents.next();
    }

    @Override
    public void close() {
      Stream<String> last = open;
      open = null;
      documents = null;
      if (last != null) {
        last.close();
      }
    }
  }
}
