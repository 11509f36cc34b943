package io.github.ggml4j.trainer.data;

import io.github.ggml4j.hub.HubEntry;
import io.github.ggml4j.hub.HubException;
import io.github.ggml4j.hub.RemoteFile;
import io.github.ggml4j.hub.RemoteRepo;
import java.nio.ByteBuffer;

/** A file of a repository, read in pieces where it lies. */
record HubFile(RemoteRepo repo, HubEntry entry) implements RowFile {

  @Override
  public String name() {
    return repo.id() + "/" + entry.path();
  }

  @Override
  public String identity() {
    return name() + " " + entry.oid();
  }

  @Override
  public OpenFile open() {
    try {
      return new Open(name(), repo.open(entry.path()));
    } catch (HubException e) {
      throw failure(e);
    }
  }

  /** The Hub's message names the file, the cause and the remedy already. */
  static DatasetException failure(HubException e) {
    return new DatasetException(String.valueOf(e.getMessage()), e);
  }

  private record Open(String name, RemoteFile file) implements OpenFile {

    @Override
    public long size() {
      return file.size();
    }

    @Override
    public boolean remote() {
      return true;
    }

    @Override
    public void read(long offset, ByteBuffer target) {
      try {
        file.read(offset, target);
      } catch (HubException e) {
        throw failure(e);
      }
      if (target.hasRemaining()) {
        throw new DatasetException(
            name + " ends " + target.remaining() + " bytes before its announced end");
      }
    }

    @Override
    public void close() {
      file.close();
    }
  }
}
