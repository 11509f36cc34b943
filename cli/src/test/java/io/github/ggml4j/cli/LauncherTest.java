package io.github.ggml4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.jar.Attributes;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The shell scripts that start the command line, with a small program in its place. The folder of
 * the program, its argument and the name of its file all contain letters that are not ASCII. Shell
 * scripts create these, because the JVM that runs this test may not be able to name them.
 */
@DisabledOnOs(OS.WINDOWS)
class LauncherTest {
  private static final String PROMPT = "caf\u00e9 \u6f22 \ud83d\ude00";
  private static final String FOLDER = "caf\u00e9 \u6f22";

  @TempDir private Path temp;

  /** Prints its first argument and the content of the file that the second one names. */
  static final class Echo {
    private Echo() {}

    public static void main(String[] args) throws IOException {
      System.out.println(args[0] + "|" + Files.readString(Path.of(args[1])));
    }
  }

  static List<Map<String, String>> locales() {
    return List.of(
        Map.of(),
        Map.of("LC_ALL", "C"),
        Map.of("LC_ALL", "POSIX"),
        Map.of("LC_ALL", "C.UTF-8"),
        Map.of("LC_ALL", "xx_XX.UTF-8"),
        Map.of("LC_ALL", "en_US.UTF-8"),
        Map.of("LC_CTYPE", "UTF-8"),
        Map.of("LANG", "de_DE.UTF-8"),
        Map.of("LANG", "xx_XX.UTF-8", "LC_CTYPE", "C.UTF-8"),
        Map.of("LANG", "C.UTF-8", "LC_TIME", "xx_XX.UTF-8"));
  }

  @BeforeEach
  void layOut() throws IOException {
    var app = Files.createDirectories(temp.resolve("app"));
    Files.createFile(app.resolve("classes.aot")); // present, so that no launcher creates it
    writeJar(app.resolve("ggml4j-cli.jar"));
    Files.writeString(
        temp.resolve("setup"),
        """
        set -e
        cd "$1" && mkdir '%1$s' && cd '%1$s'
        mkdir -p natives native/target/natives && printf content >'%1$s'
        cp -r ../app . && mkdir -p runtime/bin && cp "$LAUNCHERS/dist/ggml4j.sh" packed
        printf '#!/bin/sh\\nexec "%%s/bin/java" "$@"\\n' "$JAVA" >runtime/bin/java && chmod +x runtime/bin/java
        mkdir -p target/launcher && cp -r ../app target/launcher && cp "$LAUNCHERS/ggml4j" checkout
        echo "$JAVA" >target/launcher/jdk
        echo "$PWD/native/target/natives" >target/launcher/built
        """
            .formatted(FOLDER));
    Files.writeString(
        temp.resolve("start"),
        "exec sh \"$1/%1$s/$2\" '%2$s' \"$1/%1$s/%1$s\"".formatted(FOLDER, PROMPT));
    assertThat(run(Map.of(), "setup")).isEmpty();
  }

  @ParameterizedTest
  @MethodSource("locales")
  void theCheckoutPassesTextAndPathsUnchanged(Map<String, String> locale) throws IOException {
    assertThat(run(locale, "start", "checkout")).isEqualTo(PROMPT + "|content\n");
  }

  @ParameterizedTest
  @MethodSource("locales")
  void theDistributablePassesTextAndPathsUnchanged(Map<String, String> locale) throws IOException {
    assertThat(run(locale, "start", "packed")).isEqualTo(PROMPT + "|content\n");
  }

  @Test
  void aMachineWithoutUtf8IsToldSo() throws IOException {
    var tools = Files.createDirectories(temp.resolve("tools"));
    var locale = Files.writeString(tools.resolve("locale"), "#!/bin/sh\necho ANSI_X3.4-1968\n");
    assertThat(locale.toFile().setExecutable(true)).isTrue();
    var path = Map.of("PATH", tools + ":" + System.getenv("PATH"));
    for (var launcher : List.of("checkout", "packed")) {
      assertThat(run(path, "start", launcher)).contains("ggml4j: no UTF-8 locale", "locale -a");
    }
  }

  private static void writeJar(Path file) throws IOException {
    var manifest = new Manifest();
    manifest.getMainAttributes().put(Attributes.Name.MANIFEST_VERSION, "1.0");
    manifest.getMainAttributes().put(Attributes.Name.MAIN_CLASS, Echo.class.getName());
    var entry = Echo.class.getName().replace('.', '/') + ".class";
    try (var jar = new JarOutputStream(Files.newOutputStream(file), manifest);
        InputStream in =
            Objects.requireNonNull(Echo.class.getModule().getResourceAsStream(entry))) {
      jar.putNextEntry(new ZipEntry(entry));
      in.transferTo(jar);
    }
  }

  /**
   * Runs a script with these variables and no other ones about locales; returns all that it
   * printed.
   */
  private String run(Map<String, String> variables, String script, String... args)
      throws IOException {
    var command =
        Stream.of(List.of("sh", temp.resolve(script).toString(), temp.toString()), List.of(args));
    var builder = new ProcessBuilder(command.flatMap(List::stream).toList());
    var environment = builder.environment();
    environment.keySet().removeIf(name -> name.startsWith("LC_") || name.startsWith("LANG"));
    environment.put("GGML4J_JAVA_OPTS", "-XX:+IgnoreUnrecognizedVMOptions");
    environment.put("JAVA", System.getProperty("java.home"));
    environment.put("LAUNCHERS", Path.of("..").toAbsolutePath().normalize().toString());
    environment.putAll(variables);
    environment.remove("GGML4J_NATIVE_DIR");
    var process = builder.redirectErrorStream(true).start();
    process.getOutputStream().close();
    return new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
  }
}
