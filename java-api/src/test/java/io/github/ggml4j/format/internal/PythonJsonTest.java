package io.github.ggml4j.format.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PythonJsonTest {
  @ParameterizedTest // from Python's repr
  @CsvSource({
    "0.1, 0.1",
    "1e-5, 1e-05",
    "1.5e-7, 1.5e-07",
    "0.0001, 0.0001",
    "0.00012345, 0.00012345",
    "1, 1.0",
    "100, 100.0",
    "123.456, 123.456",
    "1e15, 1000000000000000.0",
    "1e16, 1e+16",
    "1.7976931348623157e308, 1.7976931348623157e+308",
    "-2.5, -2.5",
    "-0.0, -0.0",
    "0, 0.0",
    "0.3333333333333333, 0.3333333333333333"
  })
  void numbersAreWrittenAsPythonDoes(double value, String expected) {
    assertThat(PythonJson.number(value)).isEqualTo(expected);
  }

  @Test
  void objectsAreSortedIndentedAndAscii() {
    Map<String, Object> object = new LinkedHashMap<>();
    object.put("b", List.of(1, List.of(), Map.of()));
    object.put("a", "ü\"\\\n\u0001");
    List<Object> withNull = new ArrayList<>();
    withNull.add(null);
    object.put("c", withNull);
    assertThat(PythonJson.write(object))
        .isEqualTo(
            """
            {
              "a": "\\u00fc\\"\\\\\\n\\u0001",
              "b": [
                1,
                [],
                {}
              ],
              "c": [
                null
              ]
            }
            """);
  }

  @Test
  void whatJsonCannotSayIsRefused() {
    assertThatThrownBy(() -> PythonJson.number(Double.NaN)).hasMessageContaining("NaN");
    assertThatThrownBy(() -> PythonJson.write(Map.of("a", new Object())))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
