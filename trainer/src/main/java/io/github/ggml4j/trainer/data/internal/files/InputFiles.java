package io.github.ggml4j.trainer.data.internal.files;

import io.github.ggml4j.hub.HubException;
import io.github.ggml4j.hub.RangeReader;
import io.github.ggml4j.trainer.error.DatasetException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.NoSuchFileException;

/** Reads bytes, with errors that name the file. */
public final class InputFiles {

  private InputFiles() {}

  /**
   * Fills the buffer with the bytes at an offset.
   *
   * @throws DatasetException if the file cannot be read or ends before the buffer is full
   */
  public static void readFully(RangeReader file, long offset, ByteBuffer target) {
    try {
      file.read(offset, target);
    } catch (IOException e) {
      throw unreadable(file.name(), e);
    } catch (HubException e) {
      throw failure(e);
    }
    if (target.hasRemaining()) {
      throw new DatasetException(
          file.name() + " ends " + target.remaining() + " bytes before its expected end");
    }
  }

  /** Reads to the end; more than {@code max} bytes are an error. */
  public static byte[] readAll(InputStream in, int max, String name) {
    try {
      byte[] bytes = in.readNBytes(max);
      if (bytes.length == max && in.read() >= 0) {
        throw tooLong(name, max);
      }
      return bytes;
    } catch (IOException e) {
      throw unreadable(name, e);
    }
  }

  /** The error of a document, line or record that is longer than the limit. */
  public static DatasetException tooLong(String location, int max) {
    return new DatasetException(
        location + " is longer than " + max + " bytes",
        "Raise {maxDocumentBytes}, or split it.",
        null);
  }

  /** The error of a file that cannot be read. */
  public static DatasetException unreadable(String location, IOException e) {
    String reason = e instanceof NoSuchFileException ? "no such file" : String.valueOf(e);
    return new DatasetException("Cannot read " + location + ": " + reason, e);
  }

  /** A failure of the Hub, whose message already names the file, the cause and the remedy. */
  public static DatasetException failure(HubException e) {
    return new DatasetException(String.valueOf(e.getMessage()), e);
  }
}
