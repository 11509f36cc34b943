package io.github.ggml4j.trainer.data;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Each file one document. */
final class TextFileReader implements DocumentReader {

  private final Iterator<Path> files;
  private final ReadOptions options;

  TextFileReader(List<Path> files, ReadOptions options) {
    this.files = files.iterator();
    this.options = options;
  }

  @Override
  public @Nullable String next() {
    if (!files.hasNext()) {
      return null;
    }
    Path file = files.next();
    try (InputStream in = InputFiles.open(file)) {
      byte[] bytes = InputFiles.readAll(in, options.maxDocumentBytes(), file.toString());
      return Utf8.decode(bytes, options.replaceMalformed(), file.toString(), 1, 0);
    } catch (IOException e) {
      throw InputFiles.unreadable(file.toString(), e);
    }
  }
}
