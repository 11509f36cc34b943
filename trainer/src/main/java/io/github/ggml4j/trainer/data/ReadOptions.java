package io.github.ggml4j.trainer.data;

/**
 * How files are read.
 *
 * @param replaceMalformed malformed UTF-8 becomes U+FFFD instead of an error
 * @param maxDocumentBytes longest document (or line) in bytes
 */
record ReadOptions(boolean replaceMalformed, int maxDocumentBytes) {

  static final ReadOptions DEFAULT = new ReadOptions(false, 64 << 20);

  ReadOptions {
    if (maxDocumentBytes < 1) {
      throw new IllegalArgumentException(
          "maxDocumentBytes must be >= 1 byte, not " + maxDocumentBytes);
    }
  }
}
