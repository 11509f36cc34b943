package io.github.ggml4j.trainer.data;

/** A file of rows, local or far away, not opened yet. */
interface RowFile {

  /** What it is called in messages. */
  String name();

  /** Tells it, and where that is known its content, from others. */
  default String identity() {
    return name();
  }

  /** Opens it for reading at any place. */
  OpenFile open();
}
