package io.github.ggml4j.trainer.data.internal.rows;

import io.github.ggml4j.trainer.error.DatasetException;
import org.jspecify.annotations.Nullable;

/** Handles broken records of one file: throws an exception, or counts and logs skipped records. */
final class BadRecords {

  private static final System.Logger LOG = System.getLogger(BadRecords.class.getName());
  private static final int MAX_LOGGED = 5;

  private final String name;
  private final boolean skip;
  private final boolean logs;
  private long count;

  /**
   * Starts with no broken records.
   *
   * @param name of the file
   * @param skip whether they are skipped instead of an error
   * @param logs whether skipped records are logged
   */
  BadRecords(String name, boolean skip, boolean logs) {
    this.name = name;
    this.skip = skip;
    this.logs = logs;
  }

  /**
   * Adds one.
   *
   * @param location where it starts
   * @param reason what is wrong
   * @param remedy what to do instead of skipping it; may refer to parameters
   * @throws DatasetException unless broken records are skipped
   */
  void add(String location, String reason, String remedy, @Nullable Exception cause) {
    if (!skip) {
      throw new DatasetException(
          location + ": " + reason, remedy + ", or skip broken records ({skipBadRecords}).", cause);
    }
    count++;
    if (logs && count <= MAX_LOGGED) {
      LOG.log(System.Logger.Level.WARNING, "Skipped " + location + ": " + reason);
    }
  }

  /** Logs the number of skipped records. Called at the end of the file. */
  void report() {
    if (logs && count > 0) {
      LOG.log(
          System.Logger.Level.WARNING,
          name
              + ": "
              + count
              + (count == 1 ? " broken record was" : " broken records were")
              + " skipped");
    }
  }
}
