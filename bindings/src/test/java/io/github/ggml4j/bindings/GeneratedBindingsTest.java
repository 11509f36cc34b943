package io.github.ggml4j.bindings;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.ggml4j.bindings.ffi.Ggml;
import java.io.IOException;
import java.lang.reflect.Modifier;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Checks that the generated bindings contain exactly the symbols that this project uses. */
class GeneratedBindingsTest {
  private static final Path INCLUDES = Path.of("jextract", "includes.txt");
  private static final Pattern COMMENT = Pattern.compile("(?s)/\\*.*?\\*/|//[^\\n]*");
  private static final Pattern NAME = Pattern.compile("[A-Za-z][A-Za-z0-9_]*");

  /** Constants for C types and helper methods that jextract always generates. */
  private static final Pattern PREDEFINED = Pattern.compile("C_[A-Z_]+|.*\\$.*");

  @Test
  void everyIncludedSymbolIsUsed() throws IOException {
    var unused = included("constant|function|struct|typedef");
    unused.removeAll(usedNames());
    unused.remove("ggml_threadpool_params"); // result of ggml_threadpool_params_default
    assertThat(unused)
        .as("Remove these lines from %s, then run bindings/regenerate.sh --write", INCLUDES)
        .isEmpty();
  }

  @Test
  void exactlyTheIncludedSymbolsAreGenerated() throws IOException {
    var generated =
        Arrays.stream(Ggml.class.getMethods())
            .filter(method -> Modifier.isStatic(method.getModifiers()))
            .map(method -> method.getName())
            .filter(name -> !PREDEFINED.matcher(name).matches())
            .filter(name -> name.toLowerCase(Locale.ROOT).startsWith("ggml"))
            .collect(Collectors.toCollection(TreeSet::new));
    assertThat(generated).isEqualTo(included("constant|function"));
  }

  private static Set<String> included(String kinds) throws IOException {
    var line = Pattern.compile("--include-(?:" + kinds + ") ([A-Za-z0-9_]+)");
    return line.matcher(Files.readString(INCLUDES))
        .results()
        .map(match -> match.group(1))
        .collect(Collectors.toCollection(TreeSet::new));
  }

  /** All words in handwritten sources outside of comments. */
  private static Set<String> usedNames() throws IOException {
    var names = new TreeSet<String>();
    for (var folder : sourceFolders()) {
      try (Stream<Path> files = Files.walk(folder)) {
        for (var file : files.filter(GeneratedBindingsTest::isHandwritten).toList()) {
          var code = COMMENT.matcher(Files.readString(file)).replaceAll(" ");
          NAME.matcher(code).results().map(MatchResult::group).forEach(names::add);
        }
      }
    }
    return names;
  }

  private static List<Path> sourceFolders() throws IOException {
    try (Stream<Path> modules = Files.list(Path.of(".."))) {
      return modules.map(module -> module.resolve("src")).filter(Files::isDirectory).toList();
    }
  }

  private static boolean isHandwritten(Path file) {
    var path = file.toString().replace('\\', '/');
    return path.endsWith(".java")
        && !path.contains("/ffi/")
        && !path.endsWith("GeneratedBindingsTest.java");
  }
}
