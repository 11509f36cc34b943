package io.github.ggml4j.trainer.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.ggml4j.error.InvalidArgumentException;
import io.github.ggml4j.hub.RangeReader;
import io.github.ggml4j.trainer.data.internal.files.DataFile;
import io.github.ggml4j.trainer.data.internal.files.LocalFile;
import io.github.ggml4j.trainer.data.internal.rows.FileFormat;
import io.github.ggml4j.trainer.data.internal.rows.RowSource;
import io.github.ggml4j.trainer.error.DatasetException;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Tables that pyarrow and pandas wrote, against what Hugging Face's datasets reads from them. */
class RowDatasetTest {
  private static final Path GOLDEN = golden();
  private static JsonNode expected;

  @TempDir Path folder;

  private static Path golden() {
    try {
      return Path.of(RowDatasetTest.class.getResource("/golden/tables").toURI());
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  @BeforeAll
  static void readExpected() {
    expected = new JsonMapper().readTree(GOLDEN.resolve("expected.json"));
  }

  private static List<String> read(Dataset dataset) {
    try (Stream<String> documents = dataset.documents()) {
      return documents.toList();
    }
  }

  private static void addRemaining(DocumentReader reader, List<String> documents) {
    for (String next = reader.next(); next != null; next = reader.next()) {
      documents.add(next);
    }
  }

  private static List<Object> expected(String table, String column) {
    List<Object> values = new ArrayList<>();
    for (JsonNode row : expected.get(table)) {
      JsonNode value = row.get(column);
      values.add(
          value.isNull()
              ? null
              : value.isString()
                  ? value.stringValue()
                  : value.isBoolean()
                      ? (Object) value.booleanValue()
                      : value.isIntegralNumber()
                          ? (Object) value.longValue()
                          : value.doubleValue());
    }
    return values;
  }

  private static List<String> expectedText(String table) {
    return expected(table, "code").stream()
        .filter(Objects::nonNull)
        .map(String.class::cast)
        .toList();
  }

  private static RowDataset parquet() {
    return Datasets.load("parquet", GOLDEN.resolve("code-snappy.parquet")).text("code");
  }

  /** Collects all values of a column with a filter. */
  private static List<Object> values(RowDataset dataset, String column) {
    List<Object> seen = new ArrayList<>();
    read(
        dataset
            .where(column, value -> seen.add(value))
            .text(column.equals("code") ? column : "language"));
    return seen;
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"snappy", "zstd", "gzip", "brotli", "lz4", "plain", "v2", "index", "delta"})
  void parquetOfEveryKindIsReadAsDatasetsDoes(String kind) {
    RowDataset dataset = Datasets.load("parquet", GOLDEN.resolve("code-" + kind + ".parquet"));

    assertThat(read(dataset.text("code"))).isEqualTo(expectedText("code.parquet"));
    for (String column : List.of("language", "size", "stars", "score", "fork")) {
      assertThat(values(dataset, column)).isEqualTo(expected("code.parquet", column));
    }
  }

  @ParameterizedTest
  @CsvSource({
    "json,code.jsonl,code.jsonl",
    "json,code.jsonl.gz,code.jsonl",
    "json,code.jsonl.zst,code.jsonl",
    "json,array.json,array.json"
  })
  void jsonIsReadAsDatasetsDoes(String format, String file, String table) {
    RowDataset dataset = Datasets.load(format, GOLDEN.resolve(file));

    assertThat(read(dataset.text("code"))).isEqualTo(expectedText(table));
    for (String column : List.of("size", "stars", "score", "fork")) {
      assertThat(numbers(values(dataset, column))).isEqualTo(numbers(expected(table, column)));
    }
  }

  /** Pandas converts integers to floats if some values are missing. */
  private static List<Object> numbers(List<Object> values) {
    List<Object> numbers = new ArrayList<>();
    values.forEach(v -> numbers.add(v instanceof Number number ? number.doubleValue() : v));
    return numbers;
  }

  @ParameterizedTest
  @ValueSource(strings = {"csv", "tsv"})
  void csvIsReadAsDatasetsDoes(String format) {
    RowDataset dataset = Datasets.load(format, GOLDEN.resolve("code." + format));

    assertThat(read(dataset.text("code"))).isEqualTo(expectedText("code." + format));
    assertThat(values(dataset, "size").stream().map(v -> (Object) Long.valueOf((String) v)))
        .isEqualTo(expected("code." + format, "size"));
  }

  @Test
  void eachLineOfTextIsARow() {
    assertThat(read(Datasets.load("text", GOLDEN.resolve("lines.txt"))))
        .isEqualTo(expected("lines.txt", "text"));
  }

  @Test
  void whereKeepsEqualValuesOfEveryType() {
    List<Object> code = expected("code.parquet", "code");
    List<Object> language = expected("code.parquet", "language");
    List<Object> stars = expected("code.parquet", "stars");
    List<Object> fork = expected("code.parquet", "fork");
    List<Object> wanted =
        IntStream.range(0, code.size())
            .filter(
                i -> Objects.equals(language.get(i), "Python") && Objects.equals(fork.get(i), true))
            .mapToObj(code::get)
            .filter(Objects::nonNull)
            .toList();

    assertThat(read(parquet().where("language", "Python").where("fork", true)))
        .isEqualTo(wanted)
        .isNotEmpty();
    assertThat(values(parquet().where("stars", 7), "stars"))
        .isEqualTo(stars.stream().filter(v -> Objects.equals(v, 7L)).toList());
    RowDataset csv = Datasets.load("csv", GOLDEN.resolve("code.csv"));
    Object size = expected("code.csv", "size").get(3);
    assertThat(values(csv.where("size", size), "size")).isEqualTo(List.of(size.toString()));
  }

  @Test
  void stepsApplyInTheOrderInWhichTheyAreWritten() {
    List<String> all = expectedText("code.parquet");
    RowDataset withText = parquet().where("code", Objects::nonNull);

    assertThat(read(withText.skip(75).take(3))).isEqualTo(all.subList(75, 78));
    assertThat(read(withText.take(3).skip(1))).isEqualTo(all.subList(1, 3));
    assertThat(read(withText.skip(1000))).isEmpty();
    assertThat(read(withText.take(0))).isEmpty();
    assertThat(withText.take(3).finite()).isTrue();
  }

  @Test
  void shuffleIsAPermutationThatDependsOnTheSeed() {
    RowDataset shuffled = parquet().shuffle(50, 42);

    assertThat(read(shuffled))
        .containsExactlyInAnyOrderElementsOf(expectedText("code.parquet"))
        .isNotEqualTo(expectedText("code.parquet"))
        .isEqualTo(read(shuffled))
        .isNotEqualTo(read(parquet().shuffle(50, 43)));
    assertThat(read(parquet().shuffle(1, 42))).isEqualTo(expectedText("code.parquet"));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4})
  void shardsAreAPartition(int workers) throws IOException {
    String[] files = new String[4];
    for (int i = 0; i < 4; i++) {
      Path file = folder.resolve("part-" + i + ".csv");
      Files.writeString(file, "text\n" + i + "a\n" + i + "b\n" + i + "c\n");
      files[i] = file.toString();
    }
    RowDataset dataset = Datasets.load("csv", files);
    List<List<String>> parts =
        IntStream.range(0, workers).mapToObj(i -> read(dataset.shard(workers, i))).toList();

    assertThat(parts.stream().flatMap(List::stream))
        .containsExactlyInAnyOrderElementsOf(read(dataset));
    assertThat(parts).allSatisfy(part -> assertThat(part).hasSize(12 / workers));
    if (workers == 2) {
      assertThat(parts.get(1)).containsExactly("1a", "1b", "1c", "3a", "3b", "3c");
    }
    assertThat(read(dataset.skip(1).shard(2, 0)))
        .containsExactly("0b", "1a", "1c", "2b", "3a", "3c");
  }

  @ParameterizedTest
  @ValueSource(strings = {"parquet", "csv", "json", "text"})
  void readingResumesAtEveryPosition(String format) {
    Map<String, List<String>> files =
        Map.of(
            "parquet", List.of("code-snappy.parquet", "code-v2.parquet"),
            "csv", List.of("code.csv", "code.csv"),
            "json", List.of("code.jsonl.gz", "array.json"),
            "text", List.of("lines.txt", "lines.txt"));
    RowDataset plain =
        Datasets.load(
            format,
            files.getOrDefault(format, List.of()).stream()
                .map(GOLDEN::resolve)
                .map(Path::toString)
                .toArray(String[]::new));
    String column = format.equals("text") ? "text" : "code";
    for (RowDataset dataset :
        List.of(
            plain.text(column),
            plain
                .text(column)
                .where(column, v -> v != null && v.hashCode() % 3 != 0)
                .shuffle(9, 1)
                .skip(2),
            plain.text(column).shard(3, 1).take(50))) {
      List<String> all = read(dataset);
      for (int stop = 0; stop <= all.size(); stop += Math.max(1, all.size() / 25)) {
        byte[] saved;
        List<String> seen = new ArrayList<>();
        try (var pass = dataset.open()) {
          for (int i = 0; i < stop; i++) {
            seen.add(pass.next());
          }
          saved = pass.position().toBytes();
        }
        try (var rest = dataset.resume(DatasetPosition.fromBytes(saved))) {
          addRemaining(rest, seen);
        }
        assertThat(seen).isEqualTo(all);
      }
    }
  }

  @Test
  void aPositionOfAnotherDatasetIsRefused() {
    DatasetPosition position;
    try (var pass = parquet().open()) {
      pass.next();
      position = pass.position();
    }
    byte[] damaged = position.toBytes();
    damaged[damaged.length - 8] = -1;

    assertThatThrownBy(() -> parquet().where("fork", true).resume(position))
        .isInstanceOf(DatasetException.class)
        .hasMessageContaining("another dataset");
    assertThatThrownBy(() -> parquet().resume(DatasetPosition.fromBytes(damaged)))
        .isInstanceOf(DatasetException.class)
        .hasMessageContaining("damaged");
    assertThatThrownBy(() -> parquet().resume(DatasetPosition.fromBytes(new byte[3])))
        .isInstanceOf(DatasetException.class);
  }

  @Test
  void theTextColumnIsFoundIfItIsUnambiguous() throws IOException {
    Path one = Files.writeString(folder.resolve("one.jsonl"), "{\"n\": 1, \"story\": \"a\"}\n");
    Path named = Files.writeString(folder.resolve("named.csv"), "title,text\nx,y\n");

    assertThat(read(Datasets.load("json", one))).containsExactly("a");
    assertThat(read(Datasets.load("csv", named))).containsExactly("y");
    assertThatThrownBy(() -> read(Datasets.load("parquet", GOLDEN.resolve("code-zstd.parquet"))))
        .isInstanceOf(InvalidArgumentException.class)
        .hasMessageStartingWith("textColumn is not set, expected the column of the text")
        .hasMessageContaining("code (text), language (text), size (int64)");
  }

  @Test
  void columnsHaveTypes() {
    assertThat(parquet().columns())
        .containsEntry("code", "text")
        .containsEntry("size", "int64")
        .containsEntry("fork", "boolean");
    assertThat(Datasets.load("parquet", GOLDEN.resolve("nested.parquet")).columns())
        .containsEntry("tags", "list")
        .containsEntry("repo", "struct");
    assertThat(Datasets.load("csv", GOLDEN.resolve("code.csv")).columns())
        .containsOnlyKeys("code", "language", "size", "stars", "score", "fork");
    assertThat(Datasets.load("json", GOLDEN.resolve("code.jsonl")).columns())
        .containsEntry("score", "number");
  }

  @ParameterizedTest
  @CsvSource({
    "tags,is a list",
    "repo,is a struct",
    "when,FIXED_LEN_BYTE_ARRAY",
    "nothing,'its columns are id, tags, repo, text, when'",
    "id,holds numbers"
  })
  void columnsThatHoldNoTextAreRefused(String column, String message) {
    RowDataset dataset = Datasets.load("parquet", GOLDEN.resolve("nested.parquet"));

    assertThat(read(dataset)).containsExactly("one", "two");
    assertThatThrownBy(() -> read(dataset.text(column)))
        .isInstanceOf(DatasetException.class)
        .hasMessageContaining(column)
        .hasMessageContaining(message);
  }

  @Test
  void aTableWithoutRowsHasNoDocuments() throws IOException {
    assertThat(read(Datasets.load("parquet", GOLDEN.resolve("empty.parquet")).text("code")))
        .isEmpty();
    for (String format : List.of("json", "text")) {
      Path file = Files.createFile(folder.resolve("empty." + format));
      assertThat(read(Datasets.load(format, file).text("text"))).isEmpty();
    }
    Path header = Files.writeString(folder.resolve("header.csv"), "text\n");
    assertThat(read(Datasets.load("csv", header))).isEmpty();
  }

  @Test
  void filesAreFoundByGlobAndFolder() throws IOException {
    Files.createDirectories(folder.resolve("data/deep"));
    Files.writeString(folder.resolve("data/b.csv"), "text\nb\n");
    Files.writeString(folder.resolve("data/a.csv"), "text\na\n");
    Files.writeString(folder.resolve("data/deep/c.csv"), "text\nc\n");
    Files.writeString(folder.resolve("data/readme.md"), "no table");

    assertThat(read(Datasets.load("csv", folder + "/data/*.csv"))).containsExactly("a", "b");
    assertThat(read(Datasets.load("csv", folder + "/data/**/*.csv")))
        .containsExactly("a", "b", "c");
    assertThat(read(Datasets.load("csv", folder + "/data"))).containsExactly("a", "b", "c");
    assertThatThrownBy(() -> read(Datasets.load("json", folder + "/data")))
        .isInstanceOf(DatasetException.class)
        .hasMessageContaining("No json file");
    assertThatThrownBy(() -> read(Datasets.load("csv", folder + "/data/*.txt")))
        .isInstanceOf(DatasetException.class)
        .hasMessageContaining("matches *.txt");
    assertThatThrownBy(() -> read(Datasets.load("csv", folder + "/none.csv")))
        .isInstanceOf(DatasetException.class)
        .hasMessageContaining("none.csv");
    assertThatThrownBy(() -> Datasets.load("xml", "a.xml"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("parquet, json, csv, tsv, text");
  }

  @ParameterizedTest
  @CsvSource({
    "json,'{\"text\": \"a\"}|{\"text\": ',line 2",
    "json,'{\"text\": \"a\"}|[1]',line 2",
    "json,'[{\"text\": \"a\"}',Array",
    "json,'{\"text\": [\"a\"]}',an array",
    "json,'{\"txt\": \"a\"}','its columns are txt'",
    "csv,'text,n|a,1|b,2,3','line 3: the record has 3 fields, expected 2'",
    "csv,'',is empty",
    "csv,'a,b|a,1','its columns are a, b'"
  })
  void damagedRowsAreErrorsThatNameTheLocation(String format, String content, String message)
      throws IOException {
    Path file = Files.writeString(folder.resolve("bad." + format), content.replace('|', '\n'));

    assertThatThrownBy(() -> read(Datasets.load(format, file).text("text")))
        .isInstanceOf(DatasetException.class)
        .hasMessageContaining("bad." + format)
        .hasMessageContaining(message);
  }

  @ParameterizedTest
  @ValueSource(strings = {"json", "csv"})
  void malformedTextIsAnErrorOrReplaced(String format) throws IOException {
    Path file = folder.resolve("latin." + format);
    String content = format.equals("json") ? "{\"text\": \"caf\u00e9\"}" : "text\ncaf\u00e9\n";
    Files.write(file, content.getBytes(java.nio.charset.StandardCharsets.ISO_8859_1));
    RowDataset dataset = Datasets.load(format, file).text("text");

    assertThatThrownBy(() -> read(dataset))
        .isInstanceOf(DatasetException.class)
        .hasMessageContaining("not UTF-8");
    assertThat(read(dataset.replaceMalformed())).containsExactly("caf\ufffd");
  }

  @ParameterizedTest
  @ValueSource(strings = {"json", "csv", "text"})
  void longDocumentsAreErrors(String format) throws IOException {
    Path file = folder.resolve("long." + format);
    String text = "x".repeat(100_000);
    Files.writeString(
        file,
        switch (format) {
          case "json" -> "{\"text\": \"" + text + "\"}";
          case "csv" -> "text\n" + text;
          default -> text;
        });
    RowDataset dataset = Datasets.load(format, file).text("text");

    assertThat(read(dataset)).containsExactly(text);
    assertThat(read(dataset.maxDocumentBytes(200_000))).containsExactly(text);
    assertThatThrownBy(() -> read(dataset.maxDocumentBytes(50_000)))
        .isInstanceOf(DatasetException.class)
        .hasMessageContaining("long." + format);
  }

  @Test
  void readersOfManyThreadsAreIndependent() {
    List<String> all = expectedText("code.parquet");
    assertThat(
            new HashSet<>(
                IntStream.range(0, 16).parallel().mapToObj(i -> read(parquet())).toList()))
        .containsExactly(all);
  }

  @Test
  void columnsAreLookedUpOnce() throws IOException {
    var file = new LocalFile(Files.writeString(folder.resolve("a.csv"), "n,text\n1,one\n"));
    var opened = new AtomicInteger();
    DataFile counted =
        new DataFile() {
          @Override
          public String name() {
            return file.name();
          }

          @Override
          public RangeReader open() {
            opened.incrementAndGet();
            return file.open();
          }
        };
    var source = new RowSource(List.of(FileFormat.CSV.file(counted)));
    var table = new RowDataset("a table", () -> source, true);
    assertThat(table.columns()).containsOnlyKeys("n", "text");
    assertThat(read(table)).containsExactly("one");
    assertThat(read(table.where("n", "1"))).containsExactly("one");
    assertThat(opened).hasValue(3);
  }

  /** Without an error, the unclosed quote in row 3 would make all later rows part of its field. */
  @Test
  void aQuoteThatIsNotClosedIsAnErrorOrSkipped() {
    RowDataset stray = Datasets.open(GOLDEN.resolve("stray.csv"));

    assertThatThrownBy(() -> read(stray))
        .isInstanceOf(DatasetException.class)
        .hasMessageContaining("stray.csv, line 4: the quote of field 2 is not closed")
        .hasMessageContaining("skipBadRecords");
    assertThat(read(stray.skipBadRecords()))
        .hasSize(199)
        .doesNotContain("an open quote that nobody closed");
    assertThat(read(stray.withoutCsvQuotes()))
        .hasSize(200)
        .contains("\"an open quote that nobody closed");
  }

  @Test
  void dialectsOfCsvAreChosen() throws IOException {
    Path file = Files.writeString(folder.resolve("a.csv"), "n;text\n1;'x;y'\n2;\"z\n");
    RowDataset csv = Datasets.load("csv", file);

    assertThat(read(csv.csvDelimiter(';').csvQuote('\''))).containsExactly("x;y", "\"z");
    assertThatThrownBy(() -> csv.csvDelimiter('"'))
        .isInstanceOf(InvalidArgumentException.class)
        .hasMessageContaining("csvDelimiter is U+0022");
    assertThatThrownBy(() -> csv.csvQuote('\n')).hasMessageContaining("csvQuote is U+000A");
    Path lines = Files.writeString(folder.resolve("a.jsonl"), "{\"text\": \"a\"}");
    assertThatThrownBy(() -> read(Datasets.open(lines).csvDelimiter(';')))
        .isInstanceOf(DatasetException.class)
        .hasMessageContaining("has no CSV files");
    assertThatThrownBy(() -> read(Datasets.text(lines).skipBadRecords()))
        .isInstanceOf(DatasetException.class)
        .hasMessageContaining("has no CSV or JSON files");
  }

  @Test
  void theTextColumnIsFoundInLaterRows() throws IOException {
    Path json =
        Files.writeString(
            folder.resolve("late.jsonl"),
            "{\"n\": 1, \"story\": null}\n{\"n\": 2, \"story\": \"a\"}\n");
    Path csv = Files.writeString(folder.resolve("late.csv"), "n,story\n1,\n2,a\n");
    Path nothing = Files.writeString(folder.resolve("none.csv"), "n,m\n1,2\n");

    assertThat(read(Datasets.open(json))).containsExactly("a");
    assertThat(read(Datasets.open(csv))).containsExactly("a");
    assertThatThrownBy(() -> read(Datasets.open(nothing)))
        .isInstanceOf(InvalidArgumentException.class)
        .hasMessageContaining("Its columns are n (number), m (number)");
  }

  @Test
  void aPositionOfAChangedFileIsRefused() throws IOException {
    Path file = Files.writeString(folder.resolve("grows.txt"), "a\nb\n");
    DatasetPosition position;
    try (var reader = Datasets.lines(file).open()) {
      assertThat(reader.next()).isEqualTo("a");
      position = reader.position();
    }
    Files.writeString(file, "a\nb\nc\n");

    assertThatThrownBy(() -> Datasets.lines(file).resume(position))
        .isInstanceOf(DatasetException.class)
        .hasMessageContaining("other files or settings");
  }

  @ParameterizedTest
  @ValueSource(strings = {"a.txt", "a.csv", "a.jsonl", "a.parquet"})
  void gitLfsPointersAreRefused(String name) throws IOException {
    Path pointer =
        Files.writeString(
            folder.resolve(name),
            "version https://git-lfs.github.com/spec/v1\noid sha256:"
                + "ab".repeat(32)
                + "\nsize 12345\n");

    assertThatThrownBy(() -> read(Datasets.open(pointer)))
        .isInstanceOf(DatasetException.class)
        .hasMessageContaining(name)
        .hasMessageContaining("is a Git LFS pointer")
        .hasMessageContaining("12345 bytes")
        .hasMessageContaining("git lfs pull");
  }
}
