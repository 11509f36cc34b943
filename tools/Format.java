import com.google.googlejavaformat.java.Formatter;
import com.google.googlejavaformat.java.FormatterException;
import com.google.googlejavaformat.java.ImportOrderer;
import com.google.googlejavaformat.java.JavaFormatterOptions;
import com.google.googlejavaformat.java.RemoveUnusedImports;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * Checks that every Java file is formatted as google-java-format does it, or formats them.
 *
 * <p>Arguments: {@code check} or {@code apply}, then the root of the project.
 */
final class Format {
  private static final String GENERATED = "io/github/ggml4j/bindings/ffi";
  private static final JavaFormatterOptions.Style STYLE = JavaFormatterOptions.Style.GOOGLE;

  private Format() {}

  public static void main(String[] args) throws IOException {
    var apply =
        switch (args[0]) {
          case "apply" -> true;
          case "check" -> false;
          default -> throw new IllegalArgumentException("check or apply, not " + args[0]);
        };
    var root = Path.of(args[1]).toRealPath();
    List<Path> changed;
    try (var files = sources(root)) {
      changed =
          files.toList().parallelStream().filter(file -> isChanged(file, apply)).sorted().toList();
    }
    for (var file : changed) {
      System.err.println((apply ? "Formatted: " : "Not formatted: ") + root.relativize(file));
    }
    if (!apply && !changed.isEmpty()) {
      System.err.println("To format them: mvn -q -pl tools verify -Dggml4j.format=apply");
      System.exit(1);
    }
  }

  private static Stream<Path> sources(Path root) throws IOException {
    return Files.list(root)
        .filter(folder -> folder.endsWith("tools") || Files.isDirectory(folder.resolve("src")))
        .flatMap(Format::javaFiles);
  }

  private static Stream<Path> javaFiles(Path folder) {
    try {
      var source = folder.resolve("src");
      return Files.walk(Files.isDirectory(source) ? source : folder)
          .filter(file -> file.toString().endsWith(".java"))
          .filter(file -> !file.getParent().endsWith(GENERATED));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static boolean isChanged(Path file, boolean apply) {
    try {
      var text = Files.readString(file);
      var formatted = format(text);
      if (formatted.equals(text)) {
        return false;
      }
      if (apply) {
        Files.writeString(file, formatted);
      }
      return true;
    } catch (FormatterException e) {
      throw new IllegalStateException(file + ": " + e.getMessage(), e);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String format(String text) throws FormatterException {
    var imports =
        RemoveUnusedImports.removeUnusedImports(ImportOrderer.reorderImports(text, STYLE));
    return new Formatter(JavaFormatterOptions.builder().style(STYLE).build()).formatSource(imports);
  }
}
