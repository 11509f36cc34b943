package io.github.ggml4j.trainer.data.internal.hub;

import io.github.ggml4j.hub.HubEntry;
import io.github.ggml4j.hub.HubException;
import io.github.ggml4j.hub.HubRepo;
import io.github.ggml4j.hub.RangeReader;
import io.github.ggml4j.trainer.data.internal.files.DataFile;
import io.github.ggml4j.trainer.data.internal.files.InputFiles;

/** A file of a repository on the Hub. Byte ranges are read on demand. */
record HubFile(HubRepo repo, HubEntry entry) implements DataFile {

  @Override
  public String name() {
    return repo.id() + "/" + entry.path();
  }

  @Override
  public String identity() {
    return name() + " " + entry.oid();
  }

  @Override
  public RangeReader open() {
    try {
      return repo.open(entry.path());
    } catch (HubException e) {
      throw InputFiles.failure(e);
    }
  }
}
