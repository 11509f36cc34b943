package io.github.ggml4j.trainer;

import io.github.ggml4j.trainer.data.Dataset;
import io.github.ggml4j.trainer.data.DatasetPosition;
import io.github.ggml4j.trainer.data.ResumableDataset;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.Iterator;
import java.util.stream.Stream;

/**
 * The documents of one pass, which can go on later: a {@link ResumableDataset} at its position, any
 * other after reading as many documents again.
 */
abstract class Documents implements AutoCloseable {
  private static final int LARGEST_POSITION = 1 << 30;

  static Documents open(Dataset dataset) {
    return dataset instanceof ResumableDataset resumable
        ? new Positioned(resumable.open())
        : new Counted(dataset);
  }

  /** Goes on where an earlier one over the same dataset was saved. */
  static Documents resume(Dataset dataset, DataInput in) throws IOException {
    if (dataset instanceof ResumableDataset resumable) {
      int length = in.readInt();
      if (length < 0 || length > LARGEST_POSITION) {
        throw new IOException("it has a position of " + length + " bytes");
      }
      byte[] position = new byte[length];
      in.readFully(position);
      return new Positioned(resumable.resume(DatasetPosition.fromBytes(position)));
    }
    long done = in.readLong();
    var documents = new Counted(dataset);
    while (documents.count < done && documents.hasNext()) {
      documents.next();
    }
    return documents;
  }

  abstract boolean hasNext();

  abstract String next();

  /** Writes how far this has come: behind the document that {@link #next} gave last. */
  abstract void save(DataOutput out) throws IOException;

  @Override
  public abstract void close();

  private static final class Positioned extends Documents {
    private final ResumableDataset.Pass pass;

    Positioned(ResumableDataset.Pass pass) {
      this.pass = pass;
    }

    @Override
    boolean hasNext() {
      return pass.hasNext();
    }

    @Override
    String next() {
      return pass.next();
    }

    @Override
    void save(DataOutput out) throws IOException {
      byte[] position = pass.position().toBytes();
      out.writeInt(position.length);
      out.write(position);
    }

    @Override
    public void close() {
      pass.close();
    }
  }

  private static final class Counted extends Documents {
    private final Stream<String> stream;
    private final Iterator<String> iterator;
    private long count;

    Counted(Dataset dataset) {
      stream = dataset.documents();
      iterator = stream.iterator();
    }

    @Override
    boolean hasNext() {
      return iterator.hasNext();
    }

    @Override
    String next() {
      count++;
      return iterator.next();
    }

    @Override
    void save(DataOutput out) throws IOException {
      out.writeLong(count);
    }

    @Override
    public void close() {
      stream.close();
    }
  }
}
