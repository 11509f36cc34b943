package io.github.ggml4j.trainer;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Starts another JVM with the class path of the tests. */
final class ChildJvm {
  private ChildJvm() {}

  /**
   * A process to start.
   *
   * @param main runs in it
   * @param log takes its output
   * @param options of the virtual machine
   */
  static ProcessBuilder of(Class<?> main, Path log, List<String> options, List<String> arguments) {
    var command = new ArrayList<String>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    for (var property : System.getProperties().stringPropertyNames()) {
      if (property.startsWith("ggml4j.")) {
        command.add("-D" + property + "=" + System.getProperty(property));
      }
    }
    command.addAll(options);
    command.add("--enable-native-access=ALL-UNNAMED");
    command.add("-cp");
    command.add(classPath());
    command.add(main.getName());
    command.addAll(arguments);
    return new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile());
  }

  /** Tests run with a module path or a class path; classes and jars of both. */
  private static String classPath() {
    return String.join(
        System.getProperty("path.separator"),
        System.getProperty("java.class.path", ""),
        System.getProperty("jdk.module.path", ""),
        Path.of("target", "test-classes").toString());
  }

  /** The output of a process, for messages. */
  static String readLog(Path log) {
    try {
      return Files.readString(log);
    } catch (IOException e) {
      return e.toString();
    }
  }
}
