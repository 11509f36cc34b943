package io.github.ggml4j.benchmarks.jmh;

import io.github.ggml4j.trainer.data.Dataset;
import io.github.ggml4j.trainer.data.Datasets;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.zip.GZIPOutputStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.TearDown;

/**
 * Reading one column of all rows of a file, or all documents. The files of text have 10,000 rows of
 * about 120 bytes; the Parquet file is one of the trainer's tests with few rows.
 */
public class DatasetBenchmark extends MicroBenchmark {
  private static final int ROWS = 10_000;
  private static final String TEXT =
      "The ship, as she lay at anchor, was \u00e9clair\u00e9 by a hundred lamps; nobody spoke of the voyage. ";
  private static final Path PARQUET =
      Path.of("..", "trainer", "src", "test", "resources", "golden", "tables", "code-zstd.parquet");
  private static final int PARQUET_ROWS = 287;

  /** The format of the file. */
  @Param({"csv", "csv.gz", "tsv", "json", "parquet", "text", "documents", "zip"})
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
          case "csv.gz" ->
              Datasets.load("csv", compress(write("a.csv", "id,text\n", "%d,\"%s\"\n")))
                  .text("text");
          case "tsv" -> Datasets.load("tsv", write("a.tsv", "id\ttext\n", "%d\t%s\n")).text("text");
          case "documents" -> Datasets.text(documents());
          case "zip" -> Datasets.zip(zip(documents()), "*.txt");
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

  private static Path compress(Path file) throws IOException {
    var compressed = file.resolveSibling(file.getFileName() + ".gz");
    try (var out = new GZIPOutputStream(Files.newOutputStream(compressed))) {
      Files.copy(file, out);
    }
    return compressed;
  }

  /** A file for each row, in the order of the rows. */
  private Path[] documents() throws IOException {
    var files = new Path[ROWS];
    for (int i = 0; i < ROWS; i++) {
      files[i] = Files.writeString(folder.resolve("%05d.txt".formatted(i)), i + " " + TEXT + i);
    }
    return files;
  }

  private Path zip(Path[] files) throws IOException {
    var archive = folder.resolve("a.zip");
    try (var out = new ZipOutputStream(Files.newOutputStream(archive))) {
      for (var file : files) {
        out.putNextEntry(new ZipEntry(file.getFileName().toString()));
        Files.copy(file, out);
      }
    }
    return archive;
  }

  /** Deletes the files. */
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
