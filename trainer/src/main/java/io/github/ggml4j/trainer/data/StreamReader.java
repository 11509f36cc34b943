package io.github.ggml4j.trainer.data;

import io.github.ggml4j.trainer.error.DatasetException;
import java.io.IOException;
import java.util.Iterator;
import java.util.Spliterator;
import java.util.Spliterators;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.jspecify.annotations.Nullable;

/** Reads the documents of a stream. The position is the number of documents read. */
final class StreamReader implements DocumentReader {

  private final Stream<String> stream;
  private final Iterator<String> documents;
  private long count;

  StreamReader(Stream<String> stream) {
    this.stream = stream;
    this.documents = stream.iterator();
  }

  /** Opens a reader and discards the documents before a position. */
  static StreamReader resume(Supplier<Stream<String>> documents, DatasetPosition position) {
    long[] count = {0};
    position.read(in -> {
      count[0] = in.readLong();
      if (count[0] < 0) {
        throw new IOException("it has document count " + count[0]);
      }
    });
    StreamReader reader = new StreamReader(documents.get());
    try {
      while (reader.count < count[0]) {
        if (reader.next() == null) {
          throw new DatasetException(
              "The position is after document "
                  + count[0]
                  + ", but the dataset has only "
                  + reader.count
                  + " documents now");
        }
      }
      return reader;
    } catch (RuntimeException | Error e) {
      reader.close();
      throw e;
    }
  }

  /** Wraps a reader in a stream. Closing the stream closes the reader. */
  static Stream<String> stream(DocumentReader reader) {
    Spliterator<String> documents =
        new Spliterators.AbstractSpliterator<>(
            Long.MAX_VALUE, Spliterator.ORDERED | Spliterator.NONNULL) {
          @Override
          public boolean tryAdvance(Consumer<? super String> action) {
            String document = reader.next();
            if (document == null) {
              return false;
            }
            action.accept(document);
            return true;
          }
        };
    return StreamSupport.stream(documents, false).onClose(reader::close);
  }

  @Override
  public @Nullable String next() {
    if (!documents.hasNext()) {
      return null;
    }
    count++;
    return documents.next();
  }

  @Override
  public DatasetPosition position() {
    return DatasetPosition.of(out -> out.writeLong(count));
  }

  @Override
  public void close() {
    stream.close();
  }
}
