package io.github.ggml4j.benchmarks;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * The results so far, in report.json and report.md. The files are written after every result, so an
 * aborted run leaves the results it had. Results of earlier runs are kept until their part runs
 * again.
 */
final class Report {
  private static final JsonMapper MAPPER =
      JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

  private final Path folder;
  private final ObjectNode root;

  private Report(Path folder, ObjectNode root) {
    this.folder = folder;
    this.root = root;
  }

  /** Opens the report of a folder, with the results that it contains already. */
  static Report in(Path folder) {
    try {
      Files.createDirectories(folder);
      var file = folder.resolve("report.json");
      return new Report(
          folder,
          Files.exists(file)
              ? (ObjectNode) MAPPER.readTree(file.toFile())
              : MAPPER.createObjectNode());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  Path folder() {
    return folder;
  }

  /** Facts about the machine. */
  ObjectNode machine() {
    return root.putObject("machine");
  }

  /** Starts a part; discards its earlier results. */
  ObjectNode begin(String part) {
    var node = root.putObject(part);
    node.put("began", Instant.now().truncatedTo(ChronoUnit.SECONDS).toString());
    node.put("complete", false);
    return node;
  }

  /** Marks a part as complete and writes the files. */
  void end(String part) {
    ((ObjectNode) root.get(part)).put("complete", true);
    save();
  }

  /** Writes both files. */
  void save() {
    write("report.json", MAPPER.writeValueAsString(root) + "\n");
    write("report.md", Markdown.of(root));
  }

  private void write(String name, String text) {
    try {
      var file = folder.resolve(name + ".new");
      Files.writeString(file, text);
      Files.move(file, folder.resolve(name), StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
