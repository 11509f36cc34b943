package io.github.ggml4j.format.internal;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.UUID;

/**
 * Writes one or several files so that each appears whole or not at all: under temporary names in
 * the same folder, forced to disk, then renamed by {@link #commit()}. Whatever happens before that,
 * {@link #close()} removes what was written.
 */
public final class AtomicFiles implements AutoCloseable {
  /** Writes the content of a file. */
  @FunctionalInterface
  public interface Content {
    /** Writes everything to {@code out}. */
    void writeTo(FileOutput out) throws IOException;
  }

  private final Map<Path, Path> temporaries = new LinkedHashMap<>();

  /** Writes a single file at once. */
  public static void write(Path target, Content content) {
    try (AtomicFiles files = new AtomicFiles()) {
      files.stage(target, content);
      files.commit();
    }
  }

  /**
   * Writes a file under a temporary name.
   *
   * @throws UncheckedIOException when it cannot be written, naming the file and the reason
   */
  public void stage(Path target, Content content) {
    if (Files.isDirectory(target)) {
      throw new UncheckedIOException(
          new FileSystemException(
              target + ": is a folder; expected the path of a file to write. Give another path."));
    }
    Path name = target.getFileName();
    Path temporary = target.resolveSibling("." + name + "." + UUID.randomUUID() + ".tmp");
    try (FileChannel channel =
        FileChannel.open(temporary, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      temporaries.put(target, temporary);
      FileOutput out = new FileOutput(channel);
      content.writeTo(out);
      out.flush();
      channel.force(true);
    } catch (IOException e) {
      throw cannotWrite(target, e);
    }
  }

  /** Gives every file its name, replacing older ones. */
  public void commit() {
    Set<Path> folders = new LinkedHashSet<>();
    for (Map.Entry<Path, Path> entry : temporaries.entrySet()) {
      Path target = entry.getKey();
      try {
        rename(entry.getValue(), target);
      } catch (IOException e) {
        throw cannotWrite(target, e);
      }
      folders.add(target.toAbsolutePath().getParent());
    }
    temporaries.clear();
    folders.forEach(AtomicFiles::forceFolder);
  }

  /** Removes what was not committed. */
  @Override
  public void close() {
    for (Path temporary : temporaries.values()) {
      try {
        Files.deleteIfExists(temporary);
      } catch (IOException e) {
        System.getLogger(AtomicFiles.class.getName())
            .log(System.Logger.Level.WARNING, "Cannot remove " + temporary, e);
      }
    }
    temporaries.clear();
  }

  /** The error for a file that cannot be written. */
  public static UncheckedIOException cannotWrite(Path target, IOException e) {
    String reason =
        switch (e) {
          case NoSuchFileException missing -> "the folder does not exist";
          case AccessDeniedException denied -> "permission denied";
          case FileSystemException failed when failed.getReason() != null -> failed.getReason();
          default -> String.valueOf(e.getMessage());
        };
    return new UncheckedIOException(
        target
            + ": cannot be written: "
            + reason
            + ". No file is left half written; give a folder that exists, is writable and has"
            + " space.",
        e);
  }

  private static void rename(Path from, Path to) throws IOException {
    try {
      Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
    } catch (AtomicMoveNotSupportedException e) {
      Files.move(from, to, StandardCopyOption.REPLACE_EXISTING);
    }
  }

  /** Makes the new names last; not every system can do that to a folder. */
  private static void forceFolder(Path folder) {
    try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
      channel.force(true);
    } catch (IOException e) {
      System.getLogger(AtomicFiles.class.getName())
          .log(System.Logger.Level.DEBUG, "Cannot force folder " + folder, e);
    }
  }
}
