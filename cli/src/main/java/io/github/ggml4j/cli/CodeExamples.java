package io.github.ggml4j.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * The source code that the lab trains on: the files of {@code examples/code}, one document each.
 */
final class CodeExamples {
  private static final List<String> FILES =
      List.of(
          "algorithms",
          "arithmetic",
          "classes",
          "everyday",
          "geometry",
          "grids_and_graphs",
          "lists",
          "numbers",
          "strings",
          "tables_and_files",
          "tests",
          "units");

  private CodeExamples() {}

  static List<String> documents() {
    return FILES.stream().map(CodeExamples::read).toList();
  }

  private static String read(String name) {
    var resource = "code/" + name + ".py";
    try (var in = CodeExamples.class.getResourceAsStream(resource)) {
      if (in == null) {
        throw new IllegalStateException(
            "The jar of the command line lacks " + resource + "; build it again");
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
