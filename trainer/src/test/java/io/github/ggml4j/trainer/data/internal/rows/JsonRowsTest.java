package io.github.ggml4j.trainer.data.internal.rows;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.ggml4j.trainer.error.DatasetException;
import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JsonRowsTest {
  private static final ReadOptions SKIP =
      ReadOptions.DEFAULT.withMaxDocumentBytes(1 << 20).withSkipBadRecords();

  private static InputStream in(String text) {
    return new ByteArrayInputStream(text.getBytes(UTF_8));
  }

  private static List<Object> read(String text, String column, ReadOptions options) {
    List<Object> values = new ArrayList<>();
    try (JsonRows rows = new JsonRows("a.json", in(text), List.of(column), options)) {
      while (rows.next()) {
        values.add(rows.value(0));
      }
    }
    return values;
  }

  /** Python's json writes and reads these three. */
  @Test
  void numbersThatAreNotFiniteAreReadAsPythonReadsThem() {
    String lines =
        """
        {"text": "a", "x": NaN}
        {"text": "b", "x": Infinity}
        {"text": "c", "x": -Infinity}
        {"x": [NaN, {"y": -Infinity}], "text": "d"}
        """;
    String array = "[" + lines.strip().replace("\n", ",") + "]";

    for (String text : List.of(lines, array)) {
      assertThat(read(text, "text", ReadOptions.DEFAULT)).containsExactly("a", "b", "c", "d");
    }
    assertThat(read(lines.substring(0, lines.indexOf("{\"x\"")), "x", ReadOptions.DEFAULT))
        .containsExactly(Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY);
    assertThat(read(lines, "text", SKIP)).hasSize(4);
  }

  @ParameterizedTest
  @ValueSource(strings = {"nan", "infinity", "NAN", "1.", "tru", "'x'"})
  void otherWordsAreBadJson(String value) {
    assertThatThrownBy(
            () -> read("{\"text\": \"a\", \"x\": " + value + "}", "text", ReadOptions.DEFAULT))
        .isInstanceOf(DatasetException.class)
        .hasMessageContaining("a.json, line 1: bad JSON");
  }

  @Test
  void brokenLinesAreSkippedOnRequest() {
    String text =
        """

        {"text": "a"}
        {"text": "b"
        {"text": "c"} {"text": "d"}
        [1]
        {"text": "gr\u00f6\u00dfe"}
        nonsense
        {"text": "e"}\
        """;

    assertThat(read(text, "text", SKIP)).containsExactly("a", "gr\u00f6\u00dfe", "e");
    assertThatThrownBy(() -> read(text, "text", ReadOptions.DEFAULT))
        .isInstanceOf(DatasetException.class)
        .hasMessageContainingAll("a.json, line 3: bad JSON", "skipBadRecords");
    assertThat(read("\n[{\"text\": \"a\"}]", "text", SKIP)).containsExactly("a");
  }

  @Test
  void typesAreThoseOfTheFirstRows() {
    String text =
        """
        {"a": null, "b": 1, "c": true, "d": NaN, "e": [1]}
        {"a": "x", "b": 1.5, "c": 2, "f": "late"}
        {"d": "y", "a": 5}
        """;

    assertThat(JsonRows.columns("a.json", in(text), ReadOptions.DEFAULT))
        .containsEntry("a", "text")
        .containsEntry("b", "number")
        .containsEntry("c", "mixed")
        .containsEntry("d", "text")
        .containsEntry("e", "array")
        .containsEntry("f", "text");
  }
}
