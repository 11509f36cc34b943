package io.github.ggml4j.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** The classes that docs/architecture.md names exist. */
class ArchitectureGuideTest {
  /** A class in code quotes, perhaps with a member. */
  private static final Pattern CLASS = Pattern.compile("`([A-Z]\\w*[a-z]\\w*)(\\.\\w+)*`");

  @Test
  void namesExistingFiles() throws IOException {
    var files = sources();
    var missing = new TreeSet<String>();
    int found = 0;
    var classes = CLASS.matcher(Files.readString(Path.of("../docs/architecture.md")));
    while (classes.find()) {
      found++;
      if (!files.contains(classes.group(1))) {
        missing.add(classes.group(1));
      }
    }
    assertThat(missing).isEmpty();
    assertThat(found).isPositive();
  }

  /** The names of the source files of all modules, tests included, without {@code .java}. */
  private static Set<String> sources() throws IOException {
    var names = new TreeSet<String>();
    for (var module : Set.of("bindings", "java-api", "trainer", "cli", "examples", "benchmarks")) {
      try (var files = Files.walk(Path.of("..", module, "src"))) {
        names.addAll(
            files
                .map(file -> String.valueOf(file.getFileName()))
                .filter(name -> name.endsWith(".java"))
                .map(name -> name.substring(0, name.length() - ".java".length()))
                .collect(Collectors.toSet()));
      }
    }
    return names;
  }
}
