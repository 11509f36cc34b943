package io.github.ggml4j.hub;

import java.util.HashMap;
import java.util.Map;
import java.util.function.Consumer;

/** Adds up how far the files of one call are, and tells the listener. */
final class Progress {
  private final Consumer<? super TransferProgress> listener;
  private final Map<String, Long> sizes = new HashMap<>();
  private final Map<String, Long> here = new HashMap<>();
  private long bytes;
  private long size;
  private int done;

  Progress(Consumer<? super TransferProgress> listener) {
    this.listener = listener;
  }

  /** Announces a file; a size of -1 is not known yet. */
  synchronized void add(String file, long fileSize) {
    Long before = sizes.put(file, fileSize);
    size += Math.max(0, fileSize) - Math.max(0, before == null ? 0 : before);
  }

  /** Tells how much of a file is here. */
  synchronized void update(String file, long fileBytes) {
    Long before = here.put(file, fileBytes);
    bytes += fileBytes - (before == null ? 0 : before);
    tell(file);
  }

  /** Tells that a file is complete. */
  synchronized void finish(String file) {
    done++;
    tell(file);
  }

  private void tell(String file) {
    listener.accept(
        new TransferProgress(
            file,
            here.getOrDefault(file, 0L),
            sizes.getOrDefault(file, -1L),
            bytes,
            size,
            done,
            sizes.size()));
  }
}
