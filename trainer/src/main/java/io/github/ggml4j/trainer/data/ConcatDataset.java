package io.github.ggml4j.trainer.data;

import java.io.IOException;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Several datasets in sequence. Each is opened when the previous one ends. */
record ConcatDataset(List<Dataset> datasets) implements Dataset {

  @Override
  public Stream<String> documents() {
    return StreamReader.stream(open());
  }

  @Override
  public DocumentReader open() {
    return new Reader(datasets, 0, null);
  }

  @Override
  public DocumentReader resume(DatasetPosition position) {
    DocumentReader[] reader = new DocumentReader[1];
    position.read(in -> {
      int index = in.readInt();
      if (index < 0 || index > datasets.size()) {
        throw new IOException("it has dataset index " + index + " of " + datasets.size());
      }
      boolean isOpen = in.readBoolean();
      if (isOpen && index == datasets.size()) {
        throw new IOException("it is after the last dataset");
      }
      DocumentReader open =
          isOpen ? datasets.get(index).resume(DatasetPosition.readFrom(in)) : null;
      reader[0] = new Reader(datasets, index, open);
    });
    return reader[0];
  }

  @Override
  public boolean finite() {
    return datasets.stream().allMatch(Dataset::finite);
  }

  @Override
  public String describe() {
    return datasets.stream().map(Dataset::describe).collect(Collectors.joining(" + "));
  }

  private static final class Reader implements DocumentReader {
    private final List<Dataset> datasets;
    private int index;
    private @Nullable DocumentReader open;

    Reader(List<Dataset> datasets, int index, @Nullable DocumentReader open) {
      this.datasets = datasets;
      this.index = index;
      this.open = open;
    }

    @Override
    public @Nullable String next() {
      while (index < datasets.size()) {
        DocumentReader current = open;
        if (current == null) {
          current = datasets.get(index).open();
          open = current;
        }
        String document = current.next();
        if (document != null) {
          return document;
        }
        close();
        index++;
      }
      return null;
    }

    @Override
    public DatasetPosition position() {
      return DatasetPosition.of(out -> {
        out.writeInt(index);
        out.writeBoolean(open != null);
        if (open != null) {
          open.position().writeTo(out);
        }
      });
    }

    @Override
    public void close() {
      DocumentReader last = open;
      open = null;
      if (last != null) {
        last.close();
      }
    }
  }
}
