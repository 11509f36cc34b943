package io.github.ggml4j.trainer.internal.checkpoint;

import io.github.ggml4j.error.InvalidArgumentException;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInput;
import java.io.DataInputStream;
import java.io.DataOutput;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.SequencedMap;
import java.util.stream.Collectors;
import java.util.zip.CRC32C;
import java.util.zip.CheckedInputStream;
import java.util.zip.CheckedOutputStream;

/**
 * The file from which an interrupted training resumes.
 *
 * <p>Format: a magic number with the version, the options of the training as names and values, the
 * device, the state of the training loop and of the engine, and a checksum (CRC-32C) of all of
 * these.
 *
 * @param file path of the file
 */
public record Checkpoint(Path file) {
  private static final long MAGIC = 0x67676d6c346a0003L; // "ggml4j", version 3
  private static final int BUFFER = 1 << 20;
  private static final int MAX_OPTIONS = 1000;
  private static final String START_AGAIN = "Delete the file to start again";

  /** Writes the state of one component of a training. */
  @FunctionalInterface
  public interface StateWriter {
    /** Writes it. */
    void write(DataOutput out) throws IOException;
  }

  /** Restores the state of one component of a training. */
  @FunctionalInterface
  public interface StateReader {
    /** Reads it. */
    void read(DataInput in) throws IOException;
  }

  /**
   * Restores a training. Logs a warning if the file is from another device.
   *
   * @param options of this training, by name; the file must have the same
   * @param device of this training, with its number of threads
   * @param components read their state, in the order of {@link #save}
   * @return false if there is no file
   * @throws InvalidArgumentException if the file is damaged or belongs to a training with other
   *     options
   */
  public boolean restore(
      SequencedMap<String, String> options, String device, StateReader... components) {
    if (!Files.exists(file)) {
      return false;
    }
    try {
      checkSum();
      try (var in = new DataInputStream(open())) {
        in.readLong();
        checkOptions(readOptions(in), options);
        compareDevices(in.readUTF(), device);
        for (var component : components) {
          component.read(in);
        }
      }
      return true;
    } catch (IOException e) {
      throw damaged(String.valueOf(e.getMessage()));
    }
  }

  private InputStream open() throws IOException {
    return new BufferedInputStream(Files.newInputStream(file), BUFFER);
  }

  /** Checks the version and the checksum of the whole file before any of it is used. */
  private void checkSum() throws IOException {
    long size = Files.size(file);
    if (size < 2 * Long.BYTES) {
      throw damaged("it has " + size + " bytes");
    }
    var checked = new CheckedInputStream(open(), new CRC32C());
    try (var in = new DataInputStream(checked)) {
      long magic = in.readLong();
      if (magic != MAGIC) {
        throw damaged(
            magic >>> Short.SIZE == MAGIC >>> Short.SIZE
                ? "another version of ggml4j wrote it"
                : "it does not start with the bytes of a checkpoint");
      }
      in.skipNBytes(size - 2 * Long.BYTES);
      long sum = checked.getChecksum().getValue();
      if (in.readLong() != sum) {
        throw damaged("its checksum is wrong");
      }
    }
  }

  private static SequencedMap<String, String> readOptions(DataInput in) throws IOException {
    int count = in.readInt();
    if (count < 0 || count > MAX_OPTIONS) {
      throw new IOException("it has " + count + " options");
    }
    var options = new LinkedHashMap<String, String>();
    for (int i = 0; i < count; i++) {
      options.put(in.readUTF(), in.readUTF());
    }
    return options;
  }

  /** Throws an exception about the first option that differs. It also names the others. */
  private void checkOptions(Map<String, String> saved, Map<String, String> current) {
    var differing = new LinkedHashSet<>(current.keySet());
    differing.addAll(saved.keySet());
    differing.removeIf(name -> value(saved, name).equals(value(current, name)));
    if (differing.isEmpty()) {
      return;
    }
    var first = differing.removeFirst();
    var others =
        differing.stream()
            .map(name ->
                "{%s} was %s and is now %s"
                    .formatted(name, value(saved, name), value(current, name)))
            .collect(Collectors.joining(", "));
    throw new InvalidArgumentException(
        first,
        value(current, first),
        value(saved, first) + " as in the interrupted training (" + file + ")",
        (others.isEmpty() ? "" : "Also, " + others + ". ")
            + "Use the earlier "
            + (others.isEmpty() ? "value" : "values")
            + ", or delete the file to start again");
  }

  private static String value(Map<String, String> options, String name) {
    return options.getOrDefault(name, "not set");
  }

  /** A training may move to another machine, but then the last bits of its numbers may differ. */
  private void compareDevices(String saved, String current) {
    if (!saved.equals(current)) {
      System.getLogger(Checkpoint.class.getName())
          .log(
              System.Logger.Level.WARNING,
              "The checkpoint "
                  + file
                  + " was written on device "
                  + saved
                  + " and is resumed on "
                  + current
                  + ". The result may differ slightly from that of a training that was not"
                  + " interrupted");
    }
  }

  private InvalidArgumentException damaged(String what) {
    return new InvalidArgumentException(
        "checkpoint", file, "an undamaged checkpoint, but " + what, START_AGAIN);
  }

  /**
   * Writes the file under a temporary name, and renames it.
   *
   * @param options of this training, by name
   * @param device of this training, with its number of threads
   * @param components write their state
   * @throws UncheckedIOException if it cannot be written
   */
  public void save(SequencedMap<String, String> options, String device, StateWriter... components) {
    var temporary = file.resolveSibling(file.getFileName() + ".tmp");
    try {
      Files.createDirectories(file.toAbsolutePath().getParent());
      try {
        var checked =
            new CheckedOutputStream(
                new BufferedOutputStream(Files.newOutputStream(temporary), BUFFER), new CRC32C());
        try (var out = new DataOutputStream(checked)) {
          out.writeLong(MAGIC);
          out.writeInt(options.size());
          for (var option : options.entrySet()) {
            out.writeUTF(option.getKey());
            out.writeUTF(option.getValue());
          }
          out.writeUTF(device);
          for (var component : components) {
            component.write(out);
          }
          out.writeLong(checked.getChecksum().getValue());
        }
        Files.move(
            temporary, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      } finally {
        Files.deleteIfExists(temporary);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot write " + file + ": " + e, e);
    }
  }

  /** Deletes the file if it exists. */
  public void delete() {
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot delete " + file + ": " + e, e);
    }
  }
}
