package io.github.ggml4j.trainer.data;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.ggml4j.error.InvalidArgumentException;
import io.github.ggml4j.trainer.data.internal.hub.DatasetLayout;
import io.github.ggml4j.trainer.data.internal.hub.DatasetLayout.Repository;
import io.github.ggml4j.trainer.data.internal.rows.RowInput;
import io.github.ggml4j.trainer.error.DatasetException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Datasets from a local server with the Hub's protocol. */
class HubDatasetTest {
  private static final String ID = "org/code";

  @TempDir Path folder;
  private DatasetServer server;

  @BeforeEach
  void start() throws IOException {
    server = new DatasetServer();
  }

  @AfterEach
  void stop() {
    server.close();
  }

  private static byte[] golden(String name) throws IOException {
    try (InputStream in = HubDatasetTest.class.getResourceAsStream("/golden/tables/" + name)) {
      return in.readAllBytes();
    }
  }

  private static byte[] large() throws IOException {
    try (var in = new GZIPInputStream(new ByteArrayInputStream(golden("large.parquet.gz")))) {
      return in.readAllBytes();
    }
  }

  private HubDataset stream() {
    return Datasets.stream(ID).hub(server.hub(folder));
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

  private static String first(Dataset dataset) {
    try (Stream<String> documents = dataset.documents()) {
      return documents.iterator().next();
    }
  }

  private static List<String> numbers(List<String> documents) {
    return documents.stream().map(text -> text.substring(2, text.indexOf('\n'))).toList();
  }

  @Test
  void rowsOfParquetAreFilteredAsTheyStream() throws IOException {
    server.add(ID, "data/train-00000-of-00002.parquet", large());
    server.add(ID, "data/train-00001-of-00002.parquet", large());
    server.add(ID, "data/test-00000-of-00001.parquet", golden("code-zstd.parquet"));
    Dataset code = stream().split("train").where("language", "Python").text("code");

    List<String> expected =
        IntStream.range(0, 4000)
            .map(i -> i % 2000)
            .filter(i -> i % 3 == 0)
            .mapToObj(Integer::toString)
            .toList();
    assertThat(numbers(read(code))).isEqualTo(expected);
    assertThat(code.finite()).isFalse();
    assertThat(stream().splits()).containsExactly("train", "test");
    assertThat(stream().configs()).containsExactly("default");
  }

  @Test
  void aFirstRowNeedsAFractionOfAFile() throws IOException {
    byte[] parquet = large();
    server.add(ID, "data/train-00000-of-00001.parquet", parquet);

    assertThat(numbers(List.of(first(stream().text("code"))))).containsExactly("0");
    assertThat(server.sent.get()).isBetween(1L, parquet.length / 8L);

    server.sent.set(0);
    assertThat(numbers(List.of(first(stream().text("code").skip(1555))))).containsExactly("1555");
    assertThat(server.sent.get()).isBetween(1L, parquet.length / 8L);

    // The wanted columns of the whole file are less than half of it.
    server.sent.set(0);
    assertThat(read(stream().text("code").where("language", "Python"))).hasSize(667);
    assertThat(server.sent.get()).isBetween(parquet.length / 4L, parquet.length * 6L / 10);
  }

  @Test
  void aFirstLineNeedsAFractionOfAFile() {
    StringBuilder lines = new StringBuilder();
    for (int i = 0; i < 50_000; i++) {
      lines.append(
          String.format(
              Locale.ROOT, "{\"n\": %d, \"text\": \"line %d %s\"}%n", i, i, "x".repeat(80)));
    }
    byte[] bytes = lines.toString().getBytes(UTF_8);
    server.add(ID, "train.jsonl", bytes);

    assertThat(first(stream())).startsWith("line 0 ");
    assertThat(server.sent.get()).isLessThan(bytes.length / 5);
    assertThat(read(stream())).hasSize(50_000);
  }

  @ParameterizedTest
  @CsvSource({"2", "3", "5"})
  void brokenConnectionsAndBusyServersChangeNothing(int failEach) throws IOException {
    server.add(ID, "a.parquet", large());
    List<String> expected = read(stream().text("code"));
    server.failEach = failEach;

    assertThat(read(stream().text("code"))).isEqualTo(expected);
    assertThat(server.failures.get()).isPositive();

    StringBuilder csv = new StringBuilder("text\n");
    IntStream.range(0, 100_000).forEach(i -> csv.append("line ").append(i).append('\n'));
    server.add("org/csv", "a.csv", csv.toString().getBytes(UTF_8));
    assertThat(read(Datasets.stream("org/csv").hub(server.hub(folder)))).hasSize(100_000);
  }

  @Test
  void aFailingServerIsAnErrorAndReadingResumes() throws IOException {
    server.add(ID, "a.parquet", large());
    RowDataset dataset = stream().text("code");
    List<String> expected = read(dataset);
    List<String> seen = new ArrayList<>();
    DatasetPosition position;
    try (var pass = dataset.open()) {
      for (int i = 0; i < 120; i++) {
        seen.add(pass.next());
      }
      position = pass.position();
      server.broken = 404;
      assertThatThrownBy(() -> addRemaining(pass, new ArrayList<>()))
          .isInstanceOf(DatasetException.class)
          .hasMessageContaining("a.parquet");
    }
    server.broken = 0;
    server.sent.set(0);
    try (var pass = dataset.resume(position)) {
      seen.add(pass.next());
      assertThat(server.sent.get()).isLessThan(3_000_000);
      addRemaining(pass, seen);
    }
    assertThat(seen).isEqualTo(expected);
  }

  @Test
  void shardsReadOnlyTheirFiles() throws IOException {
    server.add(ID, "data/train-00000-of-00002.parquet", large());
    server.add(ID, "data/train-00001-of-00002.parquet", golden("code-zstd.parquet"));

    assertThat(read(stream().text("code").shard(2, 1)))
        .isEqualTo(
            read(
                Datasets.load("parquet", write("x.parquet", golden("code-zstd.parquet")))
                    .text("code")));
    assertThat(server.sent.get()).isLessThan(300_000);
  }

  private Path write(String name, byte[] content) throws IOException {
    Path file = folder.resolve(name);
    Files.createDirectories(file.getParent());
    return Files.write(file, content);
  }

  @Test
  void aDatasetOfAScriptIsReadFromItsParquetCopy() throws IOException {
    server.add(ID, "code.py", "raise SystemExit('never run')".getBytes(UTF_8));
    server.add(ID, "raw/data.csv.gz", new byte[0]);
    server.add(ID, "refs/convert/parquet", "C-all/train/0000.parquet", golden("code-v2.parquet"));
    server.add(
        ID,
        "refs/convert/parquet",
        "all-all/partial-train/0001.parquet",
        golden("code-zstd.parquet"));
    server.add(
        ID, "refs/convert/parquet", "all-all/partial-train/0000.parquet", golden("empty.parquet"));
    List<String> expected =
        read(
            Datasets.load("parquet", write("x.parquet", golden("code-zstd.parquet"))).text("code"));

    assertThat(read(stream().config("all-all").split("train").text("code"))).isEqualTo(expected);
    assertThatThrownBy(() -> read(stream().text("code")))
        .isInstanceOf(InvalidArgumentException.class)
        .hasMessageStartingWith("datasetConfig is not set, expected one of the configs of ")
        .hasMessageEndingWith(": C-all, all-all");
    assertThatThrownBy(() -> read(stream().config("Go").text("code")))
        .isInstanceOf(DatasetException.class)
        .hasMessageContaining("no config \"Go\"; it has C-all, all-all");
  }

  @Test
  void aCardNamesTheFiles() throws IOException {
    server.add(
        ID,
        "README.md",
        """
        ---
        configs:
        - config_name: en
          default: true
          data_files:
          - split: train
            path: en/*.csv
        - config_name: fr
          data_files: fr/*.csv
        ---
        # Code
        """
            .getBytes(UTF_8));
    server.add(ID, "en/1.csv", "text\nhello\n".getBytes(UTF_8));
    server.add(ID, "fr/1.csv", "text\nbonjour\n".getBytes(UTF_8));
    server.add(ID, "v2", "fr/1.csv", "text\nsalut\n".getBytes(UTF_8));

    assertThat(read(stream())).containsExactly("hello");
    assertThat(read(stream().config("fr"))).containsExactly("bonjour");
    assertThat(read(stream().dataFiles("*/*.csv"))).containsExactly("hello", "bonjour");
    assertThat(read(stream().revision("v2"))).containsExactly("salut");
    assertThat(read(Datasets.stream("hf://datasets/org/code@v2/fr/*.csv").hub(server.hub(folder))))
        .containsExactly("salut");
    assertThat(stream().configs()).containsExactly("en", "fr");
    assertThatThrownBy(() -> read(stream().config("de")))
        .hasMessageContaining("no config \"de\"; it has en, fr");
    assertThatThrownBy(() -> read(stream().split("test")))
        .isInstanceOf(DatasetException.class)
        .hasMessageContaining("no split \"test\"; it has train");
    assertThatThrownBy(() -> read(stream().dataFiles("*.parquet")))
        .hasMessageContaining("matches [*.parquet]; it has README.md, en/1.csv, fr/1.csv");
  }

  /** Python reads cards as YAML 1.1. */
  @ParameterizedTest
  @CsvSource({"yes", "on", "True", "true"})
  void aCardMarksItsDefaultConfig(String yes) {
    server.add(
        ID,
        "README.md",
        """
        ---
        configs:
        - config_name: 2020
          data_files: old.csv
        - config_name: no
          default: %s
          data_files: new.csv
        ---
        """
            .formatted(yes)
            .getBytes(UTF_8));
    server.add(ID, "old.csv", "text\nold\n".getBytes(UTF_8));
    server.add(ID, "new.csv", "text\nnew\n".getBytes(UTF_8));

    assertThat(read(stream())).containsExactly("new");
    assertThat(read(stream().config("2020"))).containsExactly("old");
  }

  @Test
  void missingThingsAreClearErrors() {
    server.add("org/pictures", "a.png", new byte[3]);
    server.add("org/broken", "README.md", "---\nconfigs: [\n---\n".getBytes(UTF_8));

    assertThatThrownBy(() -> read(stream()))
        .isInstanceOf(DatasetException.class)
        .hasMessageContaining(ID);
    assertThatThrownBy(() -> read(Datasets.stream("org/pictures").hub(server.hub(folder))))
        .isInstanceOf(DatasetException.class)
        .hasMessageContaining("no Parquet, JSON, CSV or text files");
    assertThatThrownBy(() -> read(Datasets.stream("org/broken").hub(server.hub(folder))))
        .isInstanceOf(DatasetException.class)
        .hasMessageContaining("invalid YAML");
    assertThatThrownBy(() -> Datasets.stream("no such/thing/at all"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("org/name");
    assertThatThrownBy(() -> stream().split("train[:10%]"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("take limits the rows");
  }

  @Test
  void localCopiesHaveTheSplitsThatDatasetsFinds() throws IOException {
    JsonNode cases;
    try (InputStream in = HubDatasetTest.class.getResourceAsStream("/golden/layouts.json")) {
      cases = new JsonMapper().readTree(in);
    }
    for (JsonNode layout : cases) {
      Path root = folder.resolve(layout.get("name").stringValue().replaceAll("\\W", "_"));
      for (JsonNode file : layout.get("files")) {
        Path path = root.resolve(file.stringValue());
        Files.createDirectories(path.getParent());
        Files.writeString(path, "text\n" + file.stringValue() + "\n");
      }
      if (!layout.get("readme").isNull()) {
        Files.writeString(root.resolve("README.md"), layout.get("readme").stringValue());
      }
      String config = layout.get("config").isNull() ? null : layout.get("config").stringValue();
      DatasetLayout found = DatasetLayout.find(Repository.of(root), config, List.of(), null);
      List<String> splits = new ArrayList<>();
      layout.get("splits").properties().forEach(split -> splits.add(split.getKey()));

      assertThat(found.splits().keySet())
          .as(layout.get("name").stringValue())
          .containsExactlyElementsOf(splits);
      for (String split : splits) {
        List<String> expected = new ArrayList<>();
        layout
            .get("splits")
            .get(split)
            .forEach(file -> expected.add(root + "/" + file.stringValue()));
        assertThat(found.source(split).inputs().stream().map(RowInput::name))
            .as(layout.get("name").stringValue())
            .containsExactlyElementsOf(expected);
      }
    }
    Path names = folder.resolve("names");
    assertThat(read(Datasets.stream(names.toString()).split("validation")))
        .containsExactly("valid.csv");
  }

  @Test
  void anAddressOfTheHubIsNeverAFolder() {
    var folder = "src/test";
    assertThat(Path.of(folder)).isDirectory();
    assertThat(Datasets.stream(folder).isLocal()).isTrue();
    assertThat(Datasets.stream(folder).config("a").split("b").dataFiles("c").isLocal()).isTrue();
    assertThat(Datasets.stream("hf://datasets/" + folder).isLocal()).isFalse();
  }
}
