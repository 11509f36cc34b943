package io.github.ggml4j.trainer.data;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.github.luben.zstd.ZstdOutputStream;
import io.github.ggml4j.trainer.error.DatasetException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DatasetsTest {
  @TempDir Path folder;

  private static List<String> read(Dataset dataset) {
    try (Stream<String> documents = dataset.documents()) {
      return documents.toList();
    }
  }

  private Path write(String name, String text) throws IOException {
    Path file = folder.resolve(name);
    Files.createDirectories(file.getParent());
    return Files.writeString(file, text);
  }

  private Path gzip(String name, byte[] bytes) throws IOException {
    Path file = folder.resolve(name);
    try (var out = new GZIPOutputStream(Files.newOutputStream(file))) {
      out.write(bytes);
    }
    return file;
  }

  private Path zip(String name, Map<String, String> entries) throws IOException {
    Path file = folder.resolve(name);
    try (var out = new ZipOutputStream(Files.newOutputStream(file))) {
      for (var entry : entries.entrySet()) {
        out.putNextEntry(new ZipEntry(entry.getKey()));
        out.write(entry.getValue().getBytes(UTF_8));
      }
    }
    return file;
  }

  @Test
  void textFilesAreDocumentsInTheOrderGiven() throws IOException {
    Dataset dataset = Datasets.text(write("b.txt", "zwei\r\nZeilen\n"), write("a.txt", "größe 😀"));
    assertThat(read(dataset)).containsExactly("zwei\r\nZeilen\n", "größe 😀");
    assertThat(read(dataset)).as("a second pass").hasSize(2);
    assertThat(dataset.finite()).isTrue();
    assertThat(dataset.describe()).contains("b.txt", "a.txt");
  }

  @Test
  void byteOrderMarkIsSkippedAndEmptyFilesAreEmptyDocuments() throws IOException {
    assertThat(read(Datasets.text(write("bom.txt", "\uFEFFtext"), write("empty.txt", ""))))
        .containsExactly("text", "");
  }

  @Test
  void linesAreDocumentsWithoutBlankOnes() throws IOException {
    Path file = write("a.txt", "eins\r\n\n  \nzwei\ndrei");
    assertThat(read(Datasets.lines(file, write("b.txt", "vier\n"))))
        .containsExactly("eins", "zwei", "drei", "vier");
  }

  @Test
  void gzIsDecompressedWithSeveralMembersToo() throws IOException {
    Path file = gzip("a.txt.gz", "first\n".getBytes(ISO_8859_1));
    var second = new ByteArrayOutputStream();
    try (var out = new GZIPOutputStream(second)) {
      out.write("second\n".getBytes(ISO_8859_1));
    }
    Files.write(file, second.toByteArray(), StandardOpenOption.APPEND);
    assertThat(read(Datasets.text(file))).containsExactly("first\nsecond\n");
    assertThat(read(Datasets.lines(file))).containsExactly("first", "second");
  }

  @Test
  void zstIsDecompressedEverywhere() throws IOException {
    var files = new ArrayList<Path>();
    for (var name : List.of("a.txt.zst", "a.jsonl.zst")) {
      Path file = folder.resolve(name);
      try (var out = new ZstdOutputStream(Files.newOutputStream(file))) {
        out.write((name.contains("json") ? "{\"text\": \"größe\"}" : "größe").getBytes(UTF_8));
      }
      files.add(file);
    }
    for (Path file : files) {
      assertThat(read(Datasets.open(file))).as(file.toString()).containsExactly("größe");
    }
    assertThatThrownBy(() -> read(Datasets.text(write("no.txt.zst", "plain"))))
        .isInstanceOf(DatasetException.class)
        .hasMessageContaining("no.txt.zst");
  }

  @Test
  void folderIsReadInTheOrderOfPaths() throws IOException {
    write("src/b/x.py", "bx");
    write("src/a.py", "a");
    write("src/b.py", "b");
    write("src/b/note.txt", "no");
    write("src/.git/c.py", "hidden");
    Files.createSymbolicLink(folder.resolve("src/loop"), folder.resolve("src"));
    Files.createSymbolicLink(folder.resolve("src/z.py"), folder.resolve("src/a.py"));
    Dataset dataset = Datasets.folder(folder.resolve("src"), "*.py");
    assertThat(read(dataset)).containsExactly("a", "b", "bx", "a");
    assertThatThrownBy(() -> read(Datasets.folder(folder.resolve("src"), "*.java")))
        .isInstanceOf(DatasetException.class)
        .hasMessageContainingAll("*.java", "files seen");
    assertThatThrownBy(() -> read(Datasets.folder(folder.resolve("none"), "*")))
        .hasMessageContaining("No such folder");
  }

  @Test
  void zipEntriesAreReadInTheOrderOfNames() throws IOException {
    var entries = new LinkedHashMap<String, String>();
    entries.put("z/b.java", "b");
    entries.put("../a.java", "a");
    entries.put("z/deep/c.java", "größe");
    entries.put("readme.md", "no");
    Path archive = zip("a.zip", entries);
    assertThat(read(Datasets.zip(archive, "z/**/*.java"))).containsExactly("b", "größe");
    assertThatThrownBy(() -> read(Datasets.zip(archive, "*.py")))
        .hasMessageContainingAll("a.zip", "*.py", "4 entries");
  }

  @Test
  void jsonLinesGiveOneField() throws IOException {
    Path file =
        write(
            "a.jsonl",
            """
            {"id": 1, "text": "eins \\ud83d\\ude00\\n", "meta": {"text": "nested", "list": [1, [2]]}}

            {"text": null}
            {"id": 2}
            {"text": "zwei"} {"text": "drei"}
            """);
    assertThat(read(Datasets.load("json", file).text("text")))
        .containsExactly("eins 😀\n", "zwei", "drei");
    assertThat(read(Datasets.open(file))).hasSize(3);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{\"text\": 5} | holds numbers or booleans (5)",
        "{\"text\": {\"a\": 1}} | is an object; only text",
        "[{\"text\": \"a\"}] | expected a JSON object for each row, found an array",
        "{\"text\": \"a\", \"text\": \"b\"} | bad JSON",
        "{\"text\": \"a\" | bad JSON",
        "{\"text\": \"a | bad JSON",
        "{text: 1} | bad JSON",
        "nonsense | bad JSON",
      })
  void badJsonNamesFileAndLine(String line, String message) throws IOException {
    Path file = write("bad.jsonl", "{\"text\": \"good\"}\n" + line + "\n");
    assertThatThrownBy(() -> read(Datasets.load("json", file).text("text")))
        .isInstanceOf(DatasetException.class)
        .hasMessageContainingAll("bad.jsonl, line 2", message);
  }

  @Test
  void deepJsonIsRefused() throws IOException {
    int depth = 100_000;
    Path file =
        write("deep.jsonl", "{\"a\":" + "[".repeat(depth) + "]".repeat(depth) + ",\"text\":\"x\"}");
    assertThatThrownBy(() -> read(Datasets.load("json", file).text("text")))
        .isInstanceOf(DatasetException.class)
        .hasMessageContainingAll("line 1", "depth");
  }

  @Test
  void longLinesAndDocumentsAreRefused() throws IOException {
    Path file = write("long.txt", "short\n" + "x".repeat(101) + "\n");
    assertThatThrownBy(() -> read(Datasets.lines(file).maxDocumentBytes(100)))
        .isInstanceOf(DatasetException.class)
        .hasMessageContainingAll("long.txt, line 2", "100 bytes");
    assertThat(read(Datasets.lines(file).maxDocumentBytes(101))).hasSize(2);
    assertThatThrownBy(() -> read(Datasets.text(file).maxDocumentBytes(107)))
        .hasMessageContainingAll("long.txt", "107 bytes", "maxDocumentBytes");
    assertThat(read(Datasets.text(file).maxDocumentBytes(108))).hasSize(1);
    assertThatThrownBy(() -> Datasets.text(file).maxDocumentBytes(0)).hasMessageContaining("0");
  }

  @Test
  void malformedUtf8NamesTheByteOrIsReplaced() throws IOException {
    Path file = folder.resolve("latin1.txt");
    Files.write(file, "ok\ngr\u00f6\u00dfe\n".getBytes(ISO_8859_1));
    assertThatThrownBy(() -> read(Datasets.text(file)))
        .isInstanceOf(DatasetException.class)
        .hasMessageContainingAll("latin1.txt", "0xf6", "offset 5", "line 2", "replaceMalformed");
    assertThatThrownBy(() -> read(Datasets.lines(file)))
        .hasMessageContainingAll("0xf6", "offset 5", "line 2");
    assertThat(read(Datasets.lines(file).replaceMalformed()))
        .containsExactly("ok", "gr\uFFFD\uFFFDe");
  }

  @Test
  void truncatedUtf8AtTheEndIsMalformed() throws IOException {
    Path file = folder.resolve("cut.txt");
    Files.write(file, new byte[] {'a', (byte) 0xF0, (byte) 0x9F, (byte) 0x98});
    assertThatThrownBy(() -> read(Datasets.text(file))).hasMessageContaining("offset 1");
  }

  @Test
  void decompressionBombsAreRefused() throws IOException {
    byte[] zeros = new byte[28 << 20];
    Path bomb = gzip("bomb.txt.gz", zeros);
    assertThatThrownBy(() -> read(Datasets.text(bomb).maxDocumentBytes(1 << 30)))
        .isInstanceOf(DatasetException.class)
        .hasMessageContainingAll("bomb.txt.gz", "decompression bomb");
    assertThatThrownBy(() -> read(Datasets.lines(bomb).maxDocumentBytes(1 << 30)))
        .hasMessageContaining("decompression bomb");
    Path archive = folder.resolve("bomb.zip");
    try (var out = new ZipOutputStream(Files.newOutputStream(archive))) {
      for (int i = 0; i < 4; i++) {
        out.putNextEntry(new ZipEntry(i + ".txt"));
        out.write(zeros, 0, 7 << 20);
      }
    }
    assertThatThrownBy(() -> drain(Datasets.zip(archive, "*")))
        .isInstanceOf(DatasetException.class)
        .hasMessageContainingAll("bomb.zip", "decompression bomb");
  }

  private static void drain(Dataset dataset) {
    try (Stream<String> documents = dataset.documents()) {
      documents.forEach(document -> {});
    }
  }

  @Test
  void damagedArchivesAreClearErrors() throws IOException {
    Path notZip = write("no.zip", "this is no archive");
    assertThatThrownBy(() -> read(Datasets.zip(notZip, "*")))
        .isInstanceOf(DatasetException.class)
        .hasMessageContaining("no.zip");
    Path notGz = write("no.gz", "this is no archive");
    assertThatThrownBy(() -> read(Datasets.text(notGz)))
        .isInstanceOf(DatasetException.class)
        .hasMessageContaining("no.gz");
    Path gz = gzip("cut.gz", "some text that is long enough".getBytes(ISO_8859_1));
    byte[] bytes = Files.readAllBytes(gz);
    Files.write(gz, Arrays.copyOf(bytes, bytes.length - 12));
    assertThatThrownBy(() -> read(Datasets.text(gz)))
        .isInstanceOf(DatasetException.class)
        .hasMessageContaining("cut.gz");
  }

  /** Whatever is in a file, reading it gives documents or a {@link DatasetException}. */
  @ParameterizedTest
  @CsvSource({"zip, 500, 100", "gz, 500, 100", "jsonl, 2000, 400"})
  void mutatedFilesAreReadOrRefused(String kind, int mutants, int atLeastRefused)
      throws IOException {
    byte[] bytes = Files.readAllBytes(original(kind));
    Path file = folder.resolve("mutant." + (kind.equals("gz") ? "jsonl.gz" : kind));
    var random = new SplittableRandom(7);
    int refused = 0;
    for (int i = 0; i < mutants; i++) {
      byte[] mutant = bytes.clone();
      for (int flips = 1 + random.nextInt(4); flips > 0; flips--) {
        mutant[random.nextInt(mutant.length)] = (byte) random.nextInt(256);
      }
      int length = random.nextInt(4) == 0 ? random.nextInt(mutant.length) : mutant.length;
      Files.write(file, Arrays.copyOf(mutant, length));
      RowDataset dataset = Datasets.open(file);
      try {
        drain(i % 2 == 0 ? dataset : dataset.replaceMalformed());
      } catch (DatasetException e) {
        assertThat(e).hasMessageContaining("mutant");
        refused++;
      }
    }
    assertThat(refused).isGreaterThan(atLeastRefused);
  }

  private Path original(String kind) throws IOException {
    String json =
        """
        {"id": 1, "meta": {"list": [1, 2.5e3, true, null]}, "text": "gr\u00f6\\u00dfe \\ud83d\\ude00"}
        {"text": "two\\nlines", "id": "x"}
        """;
    return switch (kind) {
      case "zip" -> zip("m.zip", Map.of("a.txt", "hello ".repeat(50), "b/c.txt", "world"));
      case "gz" -> gzip("m.jsonl.gz", json.repeat(3).getBytes(UTF_8));
      default -> write("m.jsonl", json);
    };
  }

  @Test
  void missingFilesAndFoldersAreNamed() {
    Path missing = folder.resolve("missing.txt");
    assertThatThrownBy(() -> read(Datasets.text(missing)))
        .isInstanceOf(DatasetException.class)
        .hasMessageContainingAll("No such file", "missing.txt");
    assertThatThrownBy(() -> read(Datasets.zip(missing, "*"))).hasMessageContaining("missing.txt");
    assertThatThrownBy(() -> read(Datasets.text(folder))).hasMessageContaining("is a folder");
    assertThatThrownBy(Datasets::text).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(Datasets::concat).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void filesAreOpenedOnlyWhenReached() throws IOException {
    Dataset dataset = Datasets.text(write("a.txt", "a"), folder.resolve("missing.txt"));
    try (Stream<String> documents = dataset.documents()) {
      Iterator<String> iterator = documents.iterator();
      assertThat(iterator.next()).isEqualTo("a");
      assertThatThrownBy(iterator::hasNext).hasMessageContaining("missing.txt");
    }
  }

  @Test
  void closingAReaderEarlyClosesItsFiles() throws IOException {
    Path archive = zip("a.zip", Map.of("a.txt", "a", "b.txt", "b"));
    Path lines = write("l.txt", "1\n2\n3\n");
    long before = openFiles();
    for (int i = 0; i < 50; i++) {
      for (Dataset dataset : List.of(Datasets.zip(archive, "*"), Datasets.lines(lines))) {
        try (Stream<String> documents = Datasets.concat(dataset, dataset).documents()) {
          assertThat(documents.iterator().next()).isNotEmpty();
        }
      }
    }
    assertThat(openFiles()).isLessThan(before + 20);
  }

  private static long openFiles() throws IOException {
    Path descriptors = Path.of("/proc/self/fd");
    if (!Files.isDirectory(descriptors)) {
      return 0;
    }
    try (Stream<Path> open = Files.list(descriptors)) {
      return open.count();
    }
  }

  @Test
  void openChoosesByThePath() throws IOException {
    assertThat(read(Datasets.open(zip("a.zip", Map.of("a.txt", "zipped")))))
        .containsExactly("zipped");
    Path file = write("d/a.txt", "text");
    assertThat(read(Datasets.open(file))).containsExactly("text");
    assertThat(read(Datasets.open(folder.resolve("d")))).containsExactly("text");
    Path json = gzip("a.jsonl.gz", "{\"text\":\"json\"}".getBytes(ISO_8859_1));
    assertThat(read(Datasets.open(json))).containsExactly("json");
  }

  @Test
  void datasetsInMemory() {
    assertThat(read(Datasets.of("a", "b"))).containsExactly("a", "b");
    assertThat(read(Datasets.of(List.of("a", "b")))).containsExactly("a", "b");
    assertThat(Datasets.of("a").finite()).isTrue();
    assertThat(Datasets.stream(() -> Stream.of("a")).finite()).isFalse();
  }

  @Test
  void filterMapTakeAndConcatAreLazy() {
    var taken = new AtomicInteger();
    RowDataset endless =
        Datasets.stream(() ->
            Stream.iterate(0, i -> i + 1)
                .map(i -> {
                  taken.incrementAndGet();
                  return "n" + i;
                }));
    Dataset some = endless.filter(text -> text.endsWith("0")).map(text -> text + "!").take(3);
    assertThat(read(some)).containsExactly("n0!", "n10!", "n20!");
    assertThat(some.finite()).isTrue();
    assertThat(taken.get()).isLessThan(40);
    Dataset both = Datasets.concat(some, endless);
    assertThat(both.finite()).isFalse();
    try (Stream<String> documents = both.documents()) {
      assertThat(documents.limit(5)).containsExactly("n0!", "n10!", "n20!", "n0", "n1");
    }
    assertThatThrownBy(() -> endless.take(-1)).hasMessageContaining("-1");
  }

  @Test
  void openReadsTablesAsTables() throws IOException {
    assertThat(read(Datasets.open(write("t/my.csv", "id,text\n1,one\n2,two\n"))))
        .containsExactly("one", "two");
    assertThat(read(Datasets.open(write("t/my.tsv", "text\tid\none\t1\n")))).containsExactly("one");
    assertThat(read(Datasets.open(gzip("my.json.gz", "[{\"text\": \"a\"}]".getBytes(UTF_8)))))
        .containsExactly("a");
    assertThat(Datasets.open(folder.resolve("t/my.csv")).isTable()).isTrue();
    assertThat(Datasets.open(write("a.txt", "x")).isTable()).isFalse();
  }

  @Test
  void aFolderOfTablesIsReadAsTables() throws IOException {
    write("tables/README.md", "about");
    write("tables/LICENSE", "about");
    write("tables/a.jsonl", "{\"text\": \"one\"}\n{\"text\": \"two\"}\n");
    write("tables/deep/b.csv", "id,text\n1,three\n");
    write("tables/notes.txt", "four");
    write("tables/c.json", "[{\"text\": \"zero\"}]");
    Path tables = folder.resolve("tables");

    assertThat(read(Datasets.open(tables))).containsExactly("one", "two", "zero", "three");
    assertThat(read(Datasets.open(tables, "*.txt"))).containsExactly("four");
    assertThat(read(Datasets.open(tables, "*.csv"))).containsExactly("three");
    assertThat(read(Datasets.folder(tables, "*.csv"))).containsExactly("id,text\n1,three\n");
  }

  @Test
  void anArchiveOfTablesIsReadAsTables() throws IOException {
    Map<String, String> entries =
        Map.of(
            "README.md", "about",
            "a.jsonl", "{\"text\": \"one\"}\n{\"text\": \"two\"}\n",
            "deep/b.csv", "id;text\n1;three\n2;four\n");
    Path archive = zip("tables.zip", entries);
    RowDataset tables = Datasets.open(archive).csvDelimiter(';');

    assertThat(read(tables)).containsExactly("one", "two", "three", "four");
    assertThat(read(tables.skip(1).take(2))).containsExactly("two", "three");
    assertThat(tables.isTable()).isTrue();
    assertThat(tables.columns()).containsOnlyKeys("text");
    assertThat(read(Datasets.zip(archive, "*.jsonl"))).containsExactly(entries.get("a.jsonl"));
    assertThat(read(Datasets.open(zip("text.zip", Map.of("a.txt", "a", "b.txt", "b")))))
        .containsExactly("a", "b");
  }

  @Test
  void parquetInAnArchiveIsRead() throws IOException {
    Path archive = folder.resolve("parquet.zip");
    try (var in = getClass().getResourceAsStream("/golden/tables/code-lz4.parquet");
        var out = new ZipOutputStream(Files.newOutputStream(archive))) {
      out.putNextEntry(new ZipEntry("data.parquet"));
      in.transferTo(out);
    }

    assertThat(read(Datasets.open(archive).text("language"))).hasSize(300);
  }

  @Test
  void aFolderOfTextIsReadAsDocuments() throws IOException {
    write("source/a.py", "a");
    write("source/b.py", "b");
    write("source/c.py", "c");
    write("source/package.json", "{}");
    write("source/test/data.csv", "id,text\n1,no\n");
    write("source/test/data.jsonl", "{\"text\": \"no\"}\n");

    assertThat(read(Datasets.open(folder.resolve("source")))).containsExactly("a", "b", "c", "{}");
  }

  @Test
  void everyDatasetResumesAtEveryPosition() throws IOException {
    Path lines = write("l.txt", "1\n2\n\n3\n4\n");
    Path archive = zip("z.zip", Map.of("a.txt", "a", "b.txt", "b", "c.txt", "c"));
    Path table = write("t.jsonl", "{\"code\":\"p\",\"n\":1}\n{\"code\":\"q\",\"n\":2}\n");
    RowDataset memory = Datasets.of("x", "yy", "zzz");
    Dataset own = () -> Stream.of("one", "two", "three");
    RowDataset nested =
        Datasets.concat(memory.shuffle(2, 1), Datasets.open(table).text("code"), own);
    List<Dataset> all =
        List.of(
            Datasets.lines(lines),
            Datasets.text(lines, lines, lines),
            Datasets.zip(archive, "*"),
            Datasets.open(
                    zip("t.zip", Map.of("a.jsonl", "{\"text\": 1}", "b.csv", "text\n1\n2\n3\n")))
                .where("text", value -> value instanceof String),
            Datasets.folder(folder, "l.*"),
            memory,
            memory.filter(text -> text.length() != 2).map(text -> text + "!"),
            Datasets.lines(lines).take(3),
            Datasets.concat(memory, Datasets.zip(archive, "*").shard(2, 1), Datasets.lines(lines)),
            own,
            own.rows().skip(1),
            nested,
            nested.filter(text -> !text.equals("q")).map(text -> text + "!").skip(2).shuffle(3, 2),
            Datasets.concat(nested, nested.shard(2, 1)));
    for (Dataset dataset : all) {
      List<String> expected = read(dataset);
      assertThat(expected).as(dataset.describe()).isNotEmpty();
      for (int stop = 0; stop <= expected.size(); stop++) {
        List<String> seen = new ArrayList<>();
        DatasetPosition position;
        try (var reader = dataset.open()) {
          for (int i = 0; i < stop; i++) {
            seen.add(reader.next());
          }
          position = reader.position();
        }
        try (var reader = dataset.resume(DatasetPosition.fromBytes(position.toBytes()))) {
          for (String next = reader.next(); next != null; next = reader.next()) {
            seen.add(next);
          }
        }
        assertThat(seen).as(dataset.describe() + " after " + stop).isEqualTo(expected);
      }
    }
  }

  @Test
  void damagedPositionsAreRefused() {
    RowDataset memory = Datasets.of("x", "y");
    for (Dataset dataset :
        List.of(memory, memory.take(1), Datasets.concat(memory, Datasets.of("z")))) {
      DatasetPosition position;
      try (var reader = dataset.open()) {
        reader.next();
        position = reader.position();
      }
      byte[] bytes = position.toBytes();
      byte[] negative = bytes.clone();
      negative[12] = -1; // after version and fingerprint: the sign of the first number
      for (byte[] damaged :
          List.of(new byte[3], Arrays.copyOf(bytes, bytes.length + 1), negative)) {
        assertThatThrownBy(() -> dataset.resume(DatasetPosition.fromBytes(damaged)))
            .isInstanceOf(DatasetException.class)
            .hasMessageContaining("damaged");
      }
    }
    DatasetPosition second;
    try (var reader = memory.open()) {
      reader.next();
      reader.next();
      second = reader.position();
    }
    try (var reader = Datasets.of("x").resume(second)) {
      assertThatThrownBy(reader::next)
          .isInstanceOf(DatasetException.class)
          .hasMessageContaining("has only 1 rows now");
    }
  }

  /** Lists, streams, datasets of one's own and concatenations have all operations of tables. */
  @Test
  void everyDatasetHasEveryOperation() throws IOException {
    List<String> letters = List.of("a", "b", "c", "d", "e", "f");
    Path table =
        write(
            "t.csv",
            "letter,kind\n"
                + String.join("", letters.stream().map(letter -> letter + ",k\n").toList()));
    Dataset own = letters::stream;
    Dataset[] halves = {
      Datasets.of("a", "b"),
      Datasets.open(table).text("letter").where("kind", "k").skip(2).take(2),
      Datasets.stream(() -> Stream.of("e", "f"))
    };
    for (RowDataset dataset :
        List.of(
            Datasets.of(letters),
            Datasets.stream(letters::stream),
            own.rows(),
            Datasets.concat(halves))) {
      var name = dataset.describe();
      assertThat(read(dataset)).as(name).isEqualTo(letters);
      assertThat(read(dataset.where("text", "c"))).as(name).containsExactly("c");
      assertThat(read(dataset.where("text", value -> !"c".equals(value)))).as(name).hasSize(5);
      assertThat(read(dataset.filter(text -> text.compareTo("d") > 0)))
          .as(name)
          .containsExactly("e", "f");
      assertThat(read(dataset.skip(4))).as(name).containsExactly("e", "f");
      assertThat(read(dataset.take(3))).as(name).containsExactly("a", "b", "c");
      assertThat(dataset.take(3).finite()).as(name).isTrue();
      assertThat(read(dataset.shard(2, 0))).as(name).containsExactly("a", "c", "e");
      assertThat(read(dataset.shard(2, 1))).as(name).containsExactly("b", "d", "f");
      assertThat(read(dataset.shuffle(6, 1)))
          .as(name)
          .containsExactlyInAnyOrderElementsOf(letters)
          .isNotEqualTo(letters);
      assertThat(read(dataset.map(text -> text + text).where("text", "bb")))
          .as(name)
          .containsExactly("bb");
      assertThat(dataset.columns()).as(name).containsEntry("text", "text");
      assertThatThrownBy(() -> read(dataset.where("language", "Java")))
          .as(name)
          .isInstanceOf(DatasetException.class)
          .hasMessageContaining("has no column \"language\"");
    }
  }

  @Test
  void aConcatenationKeepsTheColumnsAndOptionsOfItsDatasets() throws IOException {
    Path csv = write("a.csv", "language;code\nJava;'x;'\nC;y\n");
    Path json = write("b.jsonl", "{\"text\":\"other\",\"body\":\"z\",\"language\":\"Java\"}\n");
    RowDataset both =
        Datasets.concat(
            Datasets.open(csv).csvDelimiter(';').csvQuote('\'').text("code"),
            Datasets.open(json).text("body"));
    assertThat(read(both)).containsExactly("x;", "y", "z");
    assertThat(read(both.where("language", "Java"))).containsExactly("x;", "z");
    assertThat(read(both.where("text", "z"))).containsExactly("z");
    assertThat(both.columns()).containsOnlyKeys("language", "text");
    assertThat(read(both.text("language"))).containsExactly("Java", "C", "Java");
    assertThatThrownBy(() -> read(both.where("code", "y")))
        .isInstanceOf(DatasetException.class)
        .hasMessageContaining("b.jsonl");
    assertThat(
            read(Datasets.concat(Datasets.open(csv).text("code")).csvDelimiter(';').csvQuote('\'')))
        .containsExactly("x;", "y");
    assertThatThrownBy(() -> read(Datasets.concat(Datasets.of("a").csvDelimiter(';'))))
        .isInstanceOf(DatasetException.class)
        .hasMessageContaining("no CSV files");
  }
}
