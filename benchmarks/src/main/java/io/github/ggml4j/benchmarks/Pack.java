package io.github.ggml4j.benchmarks;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * Paths in the archive.
 *
 * @param root the unpacked archive
 */
record Pack(Path root) {
  /** The modules whose tests are run. */
  static final List<String> MODULES = List.of("java-api", "trainer");

  Path natives() {
    return root.resolve("natives");
  }

  Path peers() {
    return root.resolve("peers");
  }

  /** The working directory for the tests of a module. */
  Path folder(String module) {
    return root.resolve(module);
  }

  Path testClasses(String module) {
    return root.resolve(module).resolve("test-classes");
  }

  /** The command of a JVM with its options, without class path and main class. */
  List<String> java(String... options) {
    var command = new ArrayList<String>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-XX:+UseSerialGC", "-XX:-UsePerfData", "-Xshare:auto"));
    command.addAll(List.of("--enable-native-access=ALL-UNNAMED", "-Dstdout.encoding=UTF-8"));
    command.add("-Dggml4j.native.dir=" + natives());
    command.addAll(List.of(options));
    return command;
  }

  /** The command that runs the command line of ggml4j with these arguments. */
  List<String> ggml4j(String... arguments) {
    var command = java();
    command.addAll(List.of("-cp", root.resolve("app") + "/*", "io.github.ggml4j.cli.Main"));
    command.addAll(List.of(arguments));
    return command;
  }

  /** The names of the test classes of a module that are run on each device. */
  List<String> deviceTests(String module) {
    var classes = testClasses(module);
    try (Stream<Path> files = Files.walk(classes)) {
      return files
          .filter(file -> file.toString().endsWith(".class") && isTagged(file))
          .map(file -> classes.relativize(file).toString())
          .map(name -> name.substring(0, name.length() - ".class".length()).replace('/', '.'))
          .sorted()
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Whether a class file has a JUnit tag, which only device tests have. */
  private static boolean isTagged(Path file) {
    try {
      var text = Files.readString(file, java.nio.charset.StandardCharsets.ISO_8859_1);
      return text.contains("Lorg/junit/jupiter/api/Tag;");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
