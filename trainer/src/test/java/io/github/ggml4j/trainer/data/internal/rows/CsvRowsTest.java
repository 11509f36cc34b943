package io.github.ggml4j.trainer.data.internal.rows;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.ggml4j.trainer.error.DatasetException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** CSV texts against what pandas reads from them; made by make_golden_csv.py. */
class CsvRowsTest {
  static Stream<JsonNode> cases() throws IOException {
    try (InputStream in = CsvRowsTest.class.getResourceAsStream("/golden/csv.json")) {
      return new JsonMapper().readTree(in).valueStream().toList().stream();
    }
  }

  private static ReadOptions options(@Nullable String quote, boolean skipBadRecords, int most) {
    Character character = quote == null ? null : quote.charAt(0);
    return new ReadOptions(false, most, skipBadRecords, null, character);
  }

  private static InputStream in(String text) {
    return new ByteArrayInputStream(text.getBytes(UTF_8));
  }

  private static List<List<Object>> read(
      String text, char delimiter, List<String> columns, ReadOptions options) {
    List<List<Object>> rows = new ArrayList<>();
    try (CsvRows csv = new CsvRows("a.csv", in(text), delimiter, columns, options)) {
      while (csv.next()) {
        List<Object> row = new ArrayList<>();
        for (int i = 0; i < columns.size(); i++) {
          row.add(csv.value(i));
        }
        rows.add(row);
      }
    }
    return rows;
  }

  @ParameterizedTest
  @MethodSource("cases")
  void textsAreReadAsPandasReadsThem(JsonNode expected) {
    String text = expected.get("text").stringValue();
    char delimiter = expected.get("delimiter").stringValue().charAt(0);
    String quote = expected.get("quote").isNull() ? null : expected.get("quote").stringValue();
    ReadOptions options = options(quote, false, 1 << 20);
    if (expected.has("error") && expected.get("error").stringValue().startsWith("No columns")) {
      assertThatThrownBy(() -> read(text, delimiter, List.of(), options))
          .isInstanceOf(DatasetException.class)
          .hasMessageStartingWith("a.csv is empty, expected a header");
      return;
    }
    if (expected.has("error")) {
      assertThatThrownBy(() -> read(text, delimiter, List.of(), options))
          .isInstanceOf(DatasetException.class)
          .hasMessageContaining("a.csv, line ")
          .hasMessageContaining(
              expected.get("error").stringValue().contains("EOF inside string")
                  ? "is not closed"
                  : "the record has 3 fields, expected 2");
      return;
    }
    List<String> columns =
        expected.get("columns").valueStream().map(JsonNode::stringValue).toList();
    List<List<Object>> rows = new ArrayList<>();
    for (JsonNode row : expected.get("rows")) {
      List<Object> values = new ArrayList<>();
      row.forEach(value -> values.add(value.isNull() ? null : value.stringValue()));
      rows.add(values);
    }

    assertThat(CsvRows.columns("a.csv", in(text), delimiter, options))
        .containsOnlyKeys(columns.toArray(String[]::new));
    assertThat(read(text, delimiter, columns, options)).isEqualTo(rows);
  }

  @Test
  void brokenRecordsAreSkippedOnRequest() {
    ReadOptions skip = options("\"", true, 20);
    String text = "a,b\n1,2\n6,7,8\n9,\"1\n0\"\n" + "y".repeat(30) + ",1\n\"x,3\n4,5\n11,12";

    assertThat(read(text, ',', List.of("a", "b"), skip))
        .containsExactly(
            List.of("1", "2"), List.of("9", "1\n0"), List.of("4", "5"), List.of("11", "12"));
    assertThatThrownBy(() -> read(text, ',', List.of("a"), options("\"", false, 1 << 20)))
        .isInstanceOf(DatasetException.class)
        .hasMessage(
            "a.csv, line 3: the record has 3 fields, expected 2 as in the header. Quote fields that"
                + " contain the delimiter, set another delimiter (csvDelimiter), or skip broken"
                + " records (skipBadRecords).");
    assertThatThrownBy(() -> read("a\n\"x", ',', List.of("a"), options("\"", false, 1 << 20)))
        .isInstanceOfSatisfying(
            DatasetException.class,
            e ->
                assertThat(e.message(name -> "--" + name))
                    .isEqualTo(
                        "a.csv, line 2: the quote of field 1 is not closed. Close the quote, set"
                            + " another quote character (--csvQuote), turn quoting off"
                            + " (--withoutCsvQuotes), or skip broken records"
                            + " (--skipBadRecords)."));
  }

  @Test
  void linesAreCountedWithinQuotesAndAfterSkippedRecords() {
    ReadOptions skip = options("\"", true, 1 << 20);
    String text = "a,b\r\n\"1\r\n\r2\n\",x\n3,4,5\n\"never closed,6\n7,8\n";
    List<String> locations = new ArrayList<>();
    try (CsvRows csv = new CsvRows("a.csv", in(text), ',', List.of("a"), skip)) {
      while (csv.next()) {
        locations.add(csv.location());
      }
    }

    assertThat(locations).containsExactly("a.csv, line 2", "a.csv, line 8");
  }

  @Test
  void typesAreThoseOfTheFirstRows() {
    StringBuilder text = new StringBuilder("id,empty,flag,score,late,text\n");
    for (int i = 0; i < 600; i++) {
      text.append(i + ",,True," + i + ".5e-3," + (i < 500 ? "" : "found") + ",7\n");
    }
    text.append("x,,no,y,z,words\n");

    assertThat(CsvRows.columns("a.csv", in(text.toString()), ',', ReadOptions.DEFAULT))
        .containsEntry("id", "text") // row 601 is within the sample
        .containsEntry("empty", "null")
        .containsEntry("flag", "text")
        .containsEntry("late", "text");
    String numbers = text.substring(0, text.indexOf("x,,no"));
    assertThat(CsvRows.columns("a.csv", in(numbers), ',', ReadOptions.DEFAULT))
        .containsEntry("id", "number")
        .containsEntry("flag", "boolean")
        .containsEntry("score", "number")
        .containsEntry("late", "text")
        .containsEntry("text", "number");
  }
}
