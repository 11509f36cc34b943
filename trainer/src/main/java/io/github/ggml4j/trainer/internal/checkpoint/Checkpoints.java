package io.github.ggml4j.trainer.internal.checkpoint;

import io.github.ggml4j.error.InvalidArgumentException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The checkpoints of a training: folders {@code checkpoint-STEP} in one folder. A checkpoint is
 * written by a thread of its own under a temporary name and renamed when it is complete and on
 * disk, so that a process or a machine may end at any time.
 *
 * <p>Used by the training thread only.
 */
public final class Checkpoints implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger(Checkpoints.class.getName());
  private static final Pattern NAME = Pattern.compile("checkpoint-(\\d{1,18})");
  private static final Pattern LEFT_OVER = Pattern.compile("\\.checkpoint-\\d{1,18}\\.(tmp|old)");

  private final Path folder;
  private final OptionalInt limit;
  private OptionalLong best = OptionalLong.empty();

  /** The checkpoint that is being written. */
  private @Nullable Writing writing;

  private record Writing(FutureTask<Path> task, CountDownLatch tensorsRead) {}

  /**
   * Creates the list of checkpoints.
   *
   * @param folder made when the first checkpoint is written
   * @param limit how many to keep, besides the best; empty for all
   */
  public Checkpoints(Path folder, OptionalInt limit) {
    this.folder = folder;
    this.limit = limit;
  }

  /** The steps of all checkpoints, sound or not, the newest first. */
  public List<Long> steps() {
    var steps = new ArrayList<Long>();
    for (Path path : list()) {
      Matcher matcher = NAME.matcher(path.getFileName().toString());
      if (matcher.matches() && Files.isDirectory(path)) {
        steps.add(Long.parseLong(matcher.group(1)));
      }
    }
    steps.sort(Comparator.reverseOrder());
    return steps;
  }

  private List<Path> list() {
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(folder)) {
      return files.toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The folder of the checkpoint of a step. */
  public Path path(long step) {
    return folder.resolve("checkpoint-" + step);
  }

  /**
   * The newest sound checkpoint. A damaged one is named in a warning, and the one before is tried.
   *
   * @return empty if there is no checkpoint
   * @throws InvalidArgumentException if all are damaged
   */
  public Optional<Checkpoint> newest() {
    var problems = new ArrayList<String>();
    for (long step : steps()) {
      try {
        var checkpoint = Checkpoint.open(path(step));
        problems.forEach(problem ->
            LOG.log(
                System.Logger.Level.WARNING,
                "%s. Resuming from %s".formatted(problem, checkpoint.folder())));
        return Optional.of(checkpoint);
      } catch (Checkpoint.DamagedException e) {
        problems.add("The checkpoint " + path(step) + " is not sound: " + e.getMessage());
      }
    }
    if (!problems.isEmpty()) {
      throw new InvalidArgumentException(
          "checkpoints",
          folder,
          "a sound checkpoint",
          String.join(". ", problems) + ". Delete them to start again");
    }
    return Optional.empty();
  }

  /**
   * The checkpoint of a step, if it is sound; else a warning is logged.
   *
   * @return empty if it is missing or damaged
   */
  public Optional<Checkpoint> sound(long step) {
    try {
      return Optional.of(Checkpoint.open(path(step)));
    } catch (Checkpoint.DamagedException e) {
      LOG.log(
          System.Logger.Level.WARNING,
          "The checkpoint " + path(step) + " is not sound and is not used: " + e.getMessage());
      return Optional.empty();
    }
  }

  /** Deletes what an earlier process left half written. */
  public void deleteLeftOvers() {
    for (Path path : list()) {
      if (LEFT_OVER.matcher(path.getFileName().toString()).matches()) {
        deleteOrWarn(path);
      }
    }
  }

  /** The checkpoint of this step is kept whatever the limit. */
  public void best(long step) {
    best = OptionalLong.of(step);
  }

  /**
   * Writes a checkpoint in the background, after an earlier one is complete. The caller must not
   * change the tensors before {@link #awaitRead} returns. A failure is logged as a warning; earlier
   * checkpoints are then unchanged.
   */
  public void save(Snapshot snapshot) {
    awaitWritten();
    var tensorsRead = new CountDownLatch(1);
    var task =
        new FutureTask<>(() -> {
          try {
            return write(snapshot, tensorsRead::countDown);
          } finally {
            tensorsRead.countDown();
          }
        });
    writing = new Writing(task, tensorsRead);
    var thread = new Thread(task, "ggml4j-checkpoint");
    thread.setDaemon(true);
    thread.start();
  }

  /** Waits until the tensors of the last {@link #save} may change. */
  public void awaitRead() {
    var current = writing;
    if (current != null) {
      uninterruptibly(() -> {
        current.tensorsRead().await();
        return true;
      });
    }
  }

  /**
   * Waits until the last checkpoint is complete, and logs a warning if it could not be written.
   *
   * @return its folder; empty if there was none, or it could not be written
   */
  public Optional<Path> awaitWritten() {
    try {
      return written();
    } catch (UncheckedIOException e) {
      LOG.log(
          System.Logger.Level.WARNING,
          e.getMessage() + ". The training goes on; earlier checkpoints are unchanged");
      return Optional.empty();
    }
  }

  /**
   * Waits until the last checkpoint is complete.
   *
   * @return its folder; empty if there was none
   * @throws UncheckedIOException if it could not be written
   */
  public Optional<Path> written() {
    var current = writing;
    writing = null;
    if (current == null) {
      return Optional.empty();
    }
    return Optional.of(
        uninterruptibly(() -> {
          try {
            return current.task().get();
          } catch (ExecutionException e) {
            switch (e.getCause()) {
              case IOException cause ->
                  throw new UncheckedIOException(
                      "Cannot write a checkpoint in " + folder + ": " + cause.getMessage(), cause);
              case RuntimeException cause -> throw cause;
              case Error cause -> throw cause;
              case null, default -> throw new IllegalStateException(e);
            }
          }
        }));
  }

  private interface Waiting<T> {
    T await() throws InterruptedException;
  }

  private static <T> T uninterruptibly(Waiting<T> waiting) {
    boolean interrupted = false;
    try {
      while (true) {
        try {
          return waiting.await();
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /** Runs on the writing thread. */
  private Path write(Snapshot snapshot, Runnable tensorsRead) throws IOException {
    Files.createDirectories(folder);
    Path target = path(snapshot.step());
    Path temporary = folder.resolve("." + target.getFileName() + ".tmp");
    delete(temporary);
    boolean complete = false;
    Files.createDirectory(temporary);
    try {
      try (var writer = new CheckpointWriter(temporary)) {
        writer.write(snapshot, tensorsRead);
      }
      force(temporary);
      if (Files.exists(target)) { // damaged: the training resumed from an older one
        moveAway(target);
      }
      Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
      force(folder);
      complete = true;
    } finally {
      if (!complete) {
        deleteOrWarn(temporary);
      }
    }
    retain();
    return target;
  }

  /** Deletes the oldest checkpoints beyond the limit, but neither the newest nor the best. */
  private void retain() {
    if (limit.isEmpty()) {
      return;
    }
    steps().stream()
        .skip(limit.getAsInt())
        .filter(step -> best.isEmpty() || best.getAsLong() != step)
        .map(this::path)
        .filter(path -> Files.exists(path.resolve(Checkpoint.CHECKSUMS))) // not another program's
        .forEach(path -> {
          try {
            moveAway(path);
          } catch (IOException e) {
            LOG.log(System.Logger.Level.WARNING, "Cannot delete the checkpoint " + path, e);
          }
        });
  }

  /** Renames before deleting, so that no half of it remains under its name. */
  private void moveAway(Path checkpoint) throws IOException {
    Path old = folder.resolve("." + checkpoint.getFileName() + ".old");
    delete(old);
    Files.move(checkpoint, old, StandardCopyOption.ATOMIC_MOVE);
    delete(old);
  }

  private static void deleteOrWarn(Path path) {
    try {
      delete(path);
    } catch (IOException e) {
      LOG.log(System.Logger.Level.WARNING, "Cannot delete " + path, e);
    }
  }

  private static void delete(Path path) throws IOException {
    if (!Files.exists(path)) {
      return;
    }
    Files.walkFileTree(
        path,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Files.delete(file);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path visited, @Nullable IOException failure)
              throws IOException {
            if (failure != null) {
              throw failure;
            }
            Files.delete(visited);
            return FileVisitResult.CONTINUE;
          }
        });
  }

  /** Makes new names last. Not every system can do that to a folder. */
  private static void force(Path directory) {
    try (var channel = FileChannel.open(directory, StandardOpenOption.READ)) {
      channel.force(true);
    } catch (IOException e) {
      LOG.log(System.Logger.Level.DEBUG, "Cannot force folder " + directory, e);
    }
  }

  /** Waits for the checkpoint that is being written. */
  @Override
  public void close() {
    awaitWritten();
  }
}
