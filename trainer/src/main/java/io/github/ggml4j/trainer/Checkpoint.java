package io.github.ggml4j.trainer;

import io.github.ggml4j.trainer.internal.engine.TrainingEngine;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.zip.CRC32C;
import java.util.zip.CheckedInputStream;
import java.util.zip.CheckedOutputStream;
import org.jspecify.annotations.Nullable;

/**
 * The file from which a cancelled training goes on: what makes it the same training, where it is,
 * weights and optimizer state, and a checksum.
 */
record Checkpoint(Path file) {
  private static final long MAGIC = 0x67676d6c346a0001L; // "ggml4j", version 1
  private static final int BUFFER = 1 << 20;

  /**
   * Restores a training.
   *
   * @param identity what this training is; that of the file must be the same
   * @return false when there is no file
   */
  boolean restore(String identity, TrainingRun run, TrainingEngine engine) {
    if (!Files.exists(file)) {
      return false;
    }
    try {
      check();
      try (var in = new DataInputStream(open())) {
        in.readLong();
        var other = in.readUTF();
        if (!other.equals(identity)) {
          throw new IllegalArgumentException(
              file
                  + " is of a training with other values: "
                  + other
                  + "; this one has: "
                  + identity
                  + ". Use the same values, or remove the file to begin anew.");
        }
        run.restore(in);
        engine.restore(in);
      }
      return true;
    } catch (IOException e) {
      throw damaged(String.valueOf(e.getMessage()), e);
    }
  }

  private InputStream open() throws IOException {
    return new BufferedInputStream(Files.newInputStream(file), BUFFER);
  }

  /** Before anything of it is used. */
  private void check() throws IOException {
    long size = Files.size(file);
    if (size < 2 * Long.BYTES) {
      throw damaged("it has " + size + " bytes", null);
    }
    var checked = new CheckedInputStream(open(), new CRC32C());
    try (var in = new DataInputStream(checked)) {
      if (in.readLong() != MAGIC) {
        throw damaged("it begins with something else", null);
      }
      in.skipNBytes(size - 2 * Long.BYTES);
      long sum = checked.getChecksum().getValue();
      if (in.readLong() != sum) {
        throw damaged("its checksum is another", null);
      }
    }
  }

  private IllegalArgumentException damaged(String what, @Nullable Exception cause) {
    return new IllegalArgumentException(
        file + ": no training can go on from this, as " + what + ". Remove it to begin anew.",
        cause);
  }

  void save(String identity, TrainingRun run, TrainingEngine engine) {
    var temporary = file.resolveSibling(file.getFileName() + ".tmp");
    try {
      Files.createDirectories(file.toAbsolutePath().getParent());
      try {
        var checked =
            new CheckedOutputStream(
                new BufferedOutputStream(Files.newOutputStream(temporary), BUFFER), new CRC32C());
        try (var out = new DataOutputStream(checked)) {
          out.writeLong(MAGIC);
          out.writeUTF(identity);
          run.save(out);
          engine.save(out);
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

  void delete() {
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot remove " + file + ": " + e, e);
    }
  }
}
