package io.github.ggml4j.trainer.data;

import java.util.Iterator;

/** A dataset whose passes can go on where an earlier one stopped, without reading all again. */
public interface ResumableDataset extends Dataset {

  /** Documents of one pass. For one thread; the caller closes it. */
  interface Pass extends Iterator<String>, AutoCloseable {

    /**
     * How far this has come: behind the document that {@link #next} gave last.
     *
     * @return the position
     */
    DatasetPosition position();

    @Override
    void close();
  }

  /**
   * Opens a new pass from the start.
   *
   * @return the pass, with the same documents as {@link #documents}
   */
  Pass open();

  /**
   * Opens a pass that goes on after the last document of an earlier one.
   *
   * @param position of a pass over this dataset
   * @return the pass over what is left
   * @throws DatasetException if the position is damaged or that of another dataset
   */
  Pass resume(DatasetPosition position);
}
