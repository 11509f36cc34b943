package io.github.ggml4j.trainer.data;

import java.util.Iterator;
import java.util.Spliterator;
import java.util.Spliterators;
import java.util.function.Function;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/**
 * Documents from files. Text is UTF-8 (a byte order mark is skipped, line ends stay as they are);
 * malformed bytes are an error that names file, line and byte, unless {@link #replaceMalformed} is
 * chosen. Immutable; safe for use by several threads, each with its own pass.
 */
public final class FileDataset implements Dataset {

  private final String description;
  private final Function<ReadOptions, DocumentReader> opener;
  private final ReadOptions options;

  FileDataset(
      String description, Function<ReadOptions, DocumentReader> opener, ReadOptions options) {
    this.description = description;
    this.opener = opener;
    this.options = options;
  }

  /**
   * Malformed UTF-8 becomes the replacement character U+FFFD instead of an error.
   *
   * @return a changed copy
   */
  public FileDataset replaceMalformed() {
    return new FileDataset(description, opener, new ReadOptions(true, options.maxDocumentBytes()));
  }

  /**
   * Another bound on the size of one document, or of one line where lines are read. A document is
   * held in memory as a whole; a longer one is an error. The default is 64 MiB.
   *
   * @param bytes longest document in bytes, at least 1
   * @return a changed copy
   */
  public FileDataset maxDocumentBytes(int bytes) {
    return new FileDataset(description, opener, new ReadOptions(options.replaceMalformed(), bytes));
  }

  @Override
  public Stream<String> documents() {
    DocumentReader reader = opener.apply(options);
    Iterator<String> iterator = new DocumentIterator(reader);
    return StreamSupport.stream(
            Spliterators.spliteratorUnknownSize(
                iterator, Spliterator.ORDERED | Spliterator.NONNULL),
            false)
        .onClose(reader::close);
  }

  @Override
  public boolean finite() {
    return true;
  }

  @Override
  public String describe() {
    return description;
  }
}
