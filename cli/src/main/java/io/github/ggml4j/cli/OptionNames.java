package io.github.ggml4j.cli;

import java.lang.reflect.Field;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import picocli.CommandLine.Model.CommandSpec;

/**
 * Maps parameters of the library to the options of a command that set them. {@code --top-k} sets
 * {@code topK}; {@link SetsParameter} declares other names.
 */
final class OptionNames {
  private final Map<String, String> options = new TreeMap<>();

  OptionNames(CommandSpec command) {
    for (var option : command.options()) {
      for (var name : option.names()) {
        options.put(parameter(name), option.longestName());
      }
      if (option.userObject() instanceof Field field
          && field.isAnnotationPresent(SetsParameter.class)) {
        for (var parameter : field.getAnnotation(SetsParameter.class).value()) {
          options.put(parameter, option.longestName());
        }
      }
    }
  }

  /** Whether an option sets a parameter. */
  boolean has(String parameter) {
    return options.containsKey(parameter);
  }

  /** The option that sets a parameter; the parameter's own name if there is none. */
  String option(String parameter) {
    return options.getOrDefault(parameter, parameter);
  }

  /** Converts {@code --top-k} to {@code topK}. */
  private static String parameter(String option) {
    var words = option.replaceFirst("^-+", "").split("-", -1);
    var name = new StringBuilder(words[0]);
    for (int i = 1; i < words.length; i++) {
      name.append(words[i].substring(0, 1).toUpperCase(Locale.ROOT)).append(words[i].substring(1));
    }
    return name.toString();
  }
}
