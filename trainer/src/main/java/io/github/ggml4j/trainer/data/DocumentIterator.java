package io.github.ggml4j.trainer.data;

import java.util.Iterator;
import java.util.NoSuchElementException;
import org.jspecify.annotations.Nullable;

/** A {@link DocumentReader} as an iterator: reads one document ahead, never more. */
final class DocumentIterator implements Iterator<String> {

  private final DocumentReader reader;
  private @Nullable String ahead;
  private boolean ended;

  DocumentIterator(DocumentReader reader) {
    this.reader = reader;
  }

  @Override
  public boolean hasNext() {
    if (ahead == null && !ended) {
      ahead = reader.next();
      ended = ahead == null;
    }
    return ahead != null;
  }

  @Override
  public String next() {
    if (!hasNext() || ahead == null) {
      throw new NoSuchElementException("no more documents");
    }
    String document = ahead;
    ahead = null;
    return document;
  }
}
