package io.github.ggml4j.trainer.data;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import org.jspecify.annotations.Nullable;

/** Each matching entry of a zip archive one document, in the order of their names. */
final class ZipTextReader implements DocumentReader {

  private final Path archive;
  private final ZipFile zip;
  private final InflationGuard guard;
  private final ReadOptions options;
  private final Iterator<? extends ZipEntry> entries;

  ZipTextReader(Path archive, Glob glob, ReadOptions options) {
    InputFiles.checkReadable(archive);
    this.archive = archive;
    this.options = options;
    try {
      guard = new InflationGuard(archive.toString(), Files.size(archive));
      zip = new ZipFile(archive.toFile());
    } catch (IOException e) {
      throw InputFiles.unreadable(archive.toString(), e);
    }
    try {
      entries = matching(glob).iterator();
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  private List<? extends ZipEntry> matching(Glob glob) {
    List<? extends ZipEntry> matching =
        zip.stream()
            .filter(entry -> !entry.isDirectory() && glob.matches(entry.getName()))
            .sorted(Comparator.comparing(ZipEntry::getName))
            .toList();
    if (matching.isEmpty()) {
      throw new DatasetException(
          "No entry of " + archive + " matches " + glob + " (" + zip.size() + " entries)");
    }
    return matching;
  }

  @Override
  public @Nullable String next() {
    if (!entries.hasNext()) {
      return null;
    }
    ZipEntry entry = entries.next();
    String name = archive + "!/" + entry.getName();
    try (InputStream in = zip.getInputStream(entry)) {
      byte[] bytes = InputFiles.readAll(guard.watch(in), options.maxDocumentBytes(), name);
      return Utf8.decode(bytes, options.replaceMalformed(), name, 1, 0);
    } catch (IOException e) {
      throw InputFiles.unreadable(name, e);
    }
  }

  @Override
  public void close() {
    try {
      zip.close();
    } catch (IOException e) {
      throw InputFiles.unreadable(archive.toString(), e);
    }
  }
}
