package io.github.ggml4j.trainer.data;

import java.io.IOException;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The documents of another dataset after a map, filter or limit.
 *
 * @param change returns the new text of a document; null drops the document
 * @param limit maximum number of documents
 */
record DerivedDataset(
    Dataset origin, Function<String, @Nullable String> change, long limit, boolean finite)
    implements Dataset {

  @Override
  public Stream<String> documents() {
    return StreamReader.stream(open());
  }

  @Override
  public DocumentReader open() {
    return new Reader(this, origin.open(), 0);
  }

  @Override
  public DocumentReader resume(DatasetPosition position) {
    DocumentReader[] reader = new DocumentReader[1];
    position.read(in -> {
      long count = in.readLong();
      if (count < 0) {
        throw new IOException("it has document count " + count);
      }
      reader[0] = new Reader(this, origin.resume(DatasetPosition.readFrom(in)), count);
    });
    return reader[0];
  }

  @Override
  public String describe() {
    return origin.describe();
  }

  private static final class Reader implements DocumentReader {
    private final DerivedDataset dataset;
    private final DocumentReader documents;
    private long count;

    Reader(DerivedDataset dataset, DocumentReader documents, long count) {
      this.dataset = dataset;
      this.documents = documents;
      this.count = count;
    }

    @Override
    public @Nullable String next() {
      while (count < dataset.limit) {
        String document = documents.next();
        if (document == null) {
          return null;
        }
        String changed = dataset.change.apply(document);
        if (changed != null) {
          count++;
          return changed;
        }
      }
      return null;
    }

    @Override
    public DatasetPosition position() {
      return DatasetPosition.of(out -> {
        out.writeLong(count);
        documents.position().writeTo(out);
      });
    }

    @Override
    public void close() {
      documents.close();
    }
  }
}
