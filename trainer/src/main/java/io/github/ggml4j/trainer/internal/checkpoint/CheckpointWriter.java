package io.github.ggml4j.trainer.internal.checkpoint;

import io.github.ggml4j.format.safetensors.SafetensorsWriter;
import io.github.ggml4j.io.ModelWriter;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Writes the files of one checkpoint: first all tensors, so that the training can go on early, then
 * the small files. All files are forced to disk, the checksums last.
 */
final class CheckpointWriter implements AutoCloseable {
  private static final long SPARE_BYTES = 1 << 20;

  private final Path folder;
  private final List<CheckedOutput> open = new ArrayList<>();
  private final Map<String, FileEntry> entries = new LinkedHashMap<>();

  /**
   * Creates a writer.
   *
   * @param folder empty
   */
  CheckpointWriter(Path folder) {
    this.folder = folder;
  }

  /**
   * Writes everything.
   *
   * @param tensorsRead run as soon as the tensors are not read any more
   */
  void write(Snapshot snapshot, Runnable tensorsRead) throws IOException {
    checkSpace(snapshot);
    try (var bytes = new TensorBytes(snapshot.model())) {
      var optimizer = new SafetensorsWriter();
      snapshot
          .optimizer()
          .forEach((name, tensor) ->
              optimizer.add(name, tensor.type(), tensor.shape(), () -> bytes.of(tensor)));
      file(Checkpoint.OPTIMIZER, optimizer::writeTo);
      ModelWriter.writeFolder(snapshot.model().config(), bytes, snapshot.modelFiles(), this::file);
    }
    tensorsRead.run();
    text(Checkpoint.STATE, snapshot.state());
    if (snapshot.position().length > 0) {
      file(Checkpoint.POSITION, out -> writeAll(out, snapshot.position()));
    }
    force();
    text(Checkpoint.CHECKSUMS, checksums());
    force();
  }

  private void checkSpace(Snapshot snapshot) throws IOException {
    long needed = snapshot.bytes() + SPARE_BYTES;
    long usable = Files.getFileStore(folder).getUsableSpace();
    if (usable < needed) {
      throw new IOException(
          "it needs %,d MB and the disk has %,d MB free"
              .formatted((needed >> 20) + 1, usable >> 20));
    }
  }

  private void file(String name, ModelWriter.FileSink.Content content) throws IOException {
    var out = new CheckedOutput(folder.resolve(name));
    open.add(out);
    content.writeTo(out);
    entries.put(name, out.entry());
  }

  private void text(String name, ObjectNode json) throws IOException {
    var text = JsonMapper.shared().writerWithDefaultPrettyPrinter().writeValueAsString(json) + "\n";
    file(name, out -> writeAll(out, text.getBytes(StandardCharsets.UTF_8)));
  }

  private static void writeAll(WritableByteChannel out, byte[] bytes) throws IOException {
    var buffer = ByteBuffer.wrap(bytes);
    while (buffer.hasRemaining()) {
      out.write(buffer);
    }
  }

  private ObjectNode checksums() {
    var json = JsonMapper.shared().createObjectNode();
    json.put("version", Checkpoint.VERSION);
    var files = json.putObject("files");
    entries.forEach((name, entry) ->
        files.putObject(name).put("bytes", entry.bytes()).put("crc32c", entry.crc32c()));
    return json;
  }

  private void force() throws IOException {
    for (var out : open) {
      out.force();
    }
    close();
  }

  @Override
  public void close() throws IOException {
    for (var out : open) {
      out.close();
    }
    open.clear();
  }
}
