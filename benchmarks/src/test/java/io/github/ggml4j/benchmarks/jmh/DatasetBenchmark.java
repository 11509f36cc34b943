package io.github.ggml4j.benchmarks.jmh;

import io.github.ggml4j.trainer.data.Dataset;
import io.github.ggml4j.trainer.data.Datasets;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.TearDown;

/**
 * Reading one column of all rows of a file. The files of text have 10,000 rows of about 120 bytes;
 * the Parquet file is one of the trainer's tests with few rows.
 */
public class DatasetBenchmark extends MicroBenchmark {
  private static final int ROWS = 10_000;
  private static final String TEXT =
      "The ship, as she lay at anchor, was \u00e9clair\u00e9 by a hundred lamps; nobody spoke of the voyage. ";
  private static final Path PARQUET =
      Path.of("..", "trainer", "src", "test", "resources", "golden", "tables", "code-zstd.parquet");
  private static final int PARQUET_ROWS = 287;

  /** The format of the file. */
  @Param({"csv", "json", "parquet", "text"})
  public String format = "csv";

  private Path folder = Path.of("");
  private Dataset dataset = Datasets.of("");

  /** Writes the file and checks the rows that are read. */
  @Setup
  public void setUp() throws IOException {
    folder = Files.createTempDirectory("ggml4j-jmh");
    dataset =
        switch (format) {
          case "csv" ->
              Datasets.load("csv", write("a.csv", "id,text\n", "%d,\"%s\"\n")).text("text");
          case "json" ->
              Datasets.load("json", write("a.jsonl", "", "{\"id\": %d, \"text\": \"%s\"}\n"))
                  .text("text");
          case "parquet" -> Datasets.load("parquet", PARQUET).text("code");
          default -> Datasets.load("text", write("a.txt", "", "%d %s\n"));
        };
    List<String> rows;
    try (var documents = dataset.documents()) {
      rows = documents.toList();
    }
    int expected = format.equals("parquet") ? PARQUET_ROWS : ROWS;
    check(rows.size() == expected, "%d rows, expected %d".formatted(rows.size(), expected));
    check(
        format.equals("parquet") || rows.getLast().endsWith(TEXT + (ROWS - 1)),
        "the last row is " + rows.getLast());
  }

  private Path write(String name, String head, String row) throws IOException {
    var text = new StringBuilder(head);
    for (int i = 0; i < ROWS; i++) {
      text.append(row.formatted(i, TEXT + i));
    }
    return Files.writeString(folder.resolve(name), text);
  }

  /** Deletes the file. */
  @TearDown
  public void tearDown() throws IOException {
    try (var files = Files.list(folder)) {
      for (var file : files.toList()) {
        Files.delete(file);
      }
    }
    Files.delete(folder);
  }

  /** All rows. */
  @Benchmark
  public long readRows() {
    try (var documents = dataset.documents()) {
      return documents.mapToLong(String::length).sum();
    }
  }
}
