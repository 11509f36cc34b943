package io.github.ggml4j.hub;

import java.util.HashMap;
import java.util.Map;
import java.util.function.Consumer;

/** Sums the progress of all files of one call and reports it to the listener. */
final class Progress {
  private final Consumer<? super TransferProgress> listener;
  private final Map<String, Long> sizes = new HashMap<>();
  private final Map<String, Long> transferred = new HashMap<>();
  private long bytes;
  private long size;
  private int done;

  Progress(Consumer<? super TransferProgress> listener) {
    this.listener = listener;
  }

  /** Adds a file; its size is -1 if it is not known yet. */
  synchronized void add(String file, long fileSize) {
    Long before = sizes.put(file, fileSize);
    size += Math.max(0, fileSize) - Math.max(0, before == null ? 0 : before);
  }

  /** Reports how many bytes of a file were transferred. */
  synchronized void update(String file, long fileBytes) {
    Long before = transferred.put(file, fileBytes);
    bytes += fileBytes - (before == null ? 0 : before);
    report(file);
  }

  /** Reports that a file is complete. */
  synchronized void finish(String file) {
    done++;
    report(file);
  }

  private void report(String file) {
    listener.accept(
        new TransferProgress(
            file,
            transferred.getOrDefault(file, 0L),
            sizes.getOrDefault(file, -1L),
            bytes,
            size,
            done,
            sizes.size()));
  }
}
