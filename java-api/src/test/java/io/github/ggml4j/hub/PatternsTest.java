package io.github.ggml4j.hub;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** As Python's {@code fnmatch}. */
class PatternsTest {
  @ParameterizedTest
  @CsvSource({
    "*.json, a/b.json, true",
    "data/, data/x/y, true",
    "data/, data, false",
    "?.txt, ab.txt, false",
    "[a-c].txt, b.txt, true",
    "[!a-c].txt, b.txt, false",
    "[!a-c].txt, d.txt, true",
    "[z-a].txt, b.txt, false",
    "[!z-a].txt, b.txt, true",
    "[a&&b].txt, b.txt, true",
    "[a&&b].txt, &.txt, true",
    "[^b].txt, ^.txt, true",
    "[^b].txt, c.txt, false",
    "[]x].txt, ].txt, true",
    "[a-].txt, -.txt, true",
    "[a, [a, true",
    "\\*, \\a, true",
  })
  void choosesAsPython(String glob, String path, boolean chosen) {
    assertThat(new Patterns(List.of(glob)).choose(path)).isEqualTo(chosen);
  }
}
