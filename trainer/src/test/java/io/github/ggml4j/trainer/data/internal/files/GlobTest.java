package io.github.ggml4j.trainer.data.internal.files;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class GlobTest {

  @ParameterizedTest
  @CsvSource(
      delimiter = ' ',
      value = {
        "*.py a.py true",
        "*.py src/deep/a.py true",
        "*.py a.pyc false",
        "*.py xpy false",
        "src/*.py src/a.py true",
        "src/*.py src/deep/a.py false",
        "src/**/*.py src/a.py true",
        "src/**/*.py src/very/deep/a.py true",
        "src/**/*.py lib/src/a.py false",
        "**/src/*.py lib/src/a.py true",
        "** any/thing.txt true",
        "** top true",
        "*.{java,kt} A.kt true",
        "*.{java,kt} A.scala false",
        "a?.txt ab.txt true",
        "a?.txt a/b.txt false",
        "dir/a?b dir/a/b false",
        "[a-c]*.txt beta.txt true",
        "[!a-c]*.txt beta.txt false",
        "[!a-c]*.txt delta.txt true",
        "dir/x[!a]y dir/x/y false",
        "*.txt .hidden.txt false",
        "** .git/config false",
        ".github/** .github/workflow.yml true",
        "a+b(1).txt a+b(1).txt true",
        "a+b(1).txt aab1.txt false",
        "a\\b a\\b true",
        "*.TXT a.txt false",
        "größe*.txt größe1.txt true",
      })
  void matches(String glob, String path, boolean expected) {
    assertThat(new Glob(glob).matches(path)).isEqualTo(expected);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "*.{java", "*.java}", "[a-", "[z-a].txt"})
  void badPatternsAreRefused(String glob) {
    assertThatThrownBy(() -> new Glob(glob))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("glob");
  }
}
