package io.github.ggml4j.trainer.data;

import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Each line that is not blank one document. */
class LineFileReader implements DocumentReader {

  private final Iterator<Path> files;
  private final ReadOptions options;
  private @Nullable LineReader lines;

  LineFileReader(List<Path> files, ReadOptions options) {
    this.files = files.iterator();
    this.options = options;
  }

  /** The document that a line holds. */
  String document(String line, LineReader from) {
    return line;
  }

  @Override
  public @Nullable String next() {
    while (true) {
      if (lines == null) {
        if (!files.hasNext()) {
          return null;
        }
        lines = new LineReader(files.next(), options);
      }
      String line = lines.next();
      if (line == null) {
        lines.close();
        lines = null;
      } else if (!line.isBlank()) {
        return document(line, lines);
      }
    }
  }

  @Override
  public void close() {
    if (lines != null) {
      lines.close();
      lines = null;
    }
  }
}
