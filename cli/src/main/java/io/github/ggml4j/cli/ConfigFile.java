package io.github.ggml4j.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.api.ConstructNode;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.nodes.Tag;
import org.snakeyaml.engine.v2.schema.FailsafeSchema;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;

/**
 * Options of a command from a file: YAML, and so JSON, too, with the options' names without dashes
 * in front. They become arguments that the command line does not have already, so that all checks
 * are those of the command line.
 */
final class ConfigFile {
  static final String OPTION = "--config";

  /** Text all of it, as on the command line: 3e-5 and 007 stay what they are. */
  private static final class TextSchema extends FailsafeSchema {
    @Override
    public Map<Tag, ConstructNode> getSchemaTagConstructors() {
      return Map.of(Tag.NULL, _ -> "");
    }
  }

  /** None of them can stand in a file. */
  private static final Set<String> NOT_IN_FILES = Set.of(OPTION, "--help", "--version");

  private static final Set<String> NOTHING = Set.of("", "null", "~");
  private static final double ALIKE = 0.5;
  private static final int LARGEST = 1 << 20;

  private final CommandLine command;
  private final CommandSpec spec;
  private final Path file;
  private final List<String> given;
  private final Set<String> taken = new LinkedHashSet<>();

  private ConfigFile(CommandLine command, Path file, List<String> given) {
    this.command = command;
    this.spec = command.getCommandSpec();
    this.file = file;
    this.given = given;
  }

  /**
   * The file that arguments name.
   *
   * @param args with the command's name first
   * @return null when they name none
   */
  static @Nullable ConfigFile of(CommandLine program, String... args) {
    var command = args.length == 0 ? null : program.getSubcommands().get(args[0]);
    if (command == null || command.getCommandSpec().findOption(OPTION) == null) {
      return null;
    }
    var given = List.of(args).subList(1, args.length);
    for (int i = 0; i < given.size() && !given.get(i).equals("--"); i++) {
      var word = given.get(i);
      var path =
          word.startsWith(OPTION + "=")
              ? word.substring(OPTION.length() + 1)
              : word.equals(OPTION) && i + 1 < given.size() ? given.get(i + 1) : "";
      if (!path.isEmpty()) {
        return new ConfigFile(command, Path.of(path), given);
      }
    }
    return null;
  }

  /**
   * The arguments with those of the file put in front.
   *
   * @throws ParameterException when the file has what the command does not know
   */
  String[] expand() {
    var result = new ArrayList<>(List.of(command.getCommandName()));
    result.addAll(arguments());
    result.addAll(given);
    return result.toArray(String[]::new);
  }

  /** A message that says so when it is about an option from the file. */
  String explain(String message) {
    return taken.stream()
            .anyMatch(Pattern.compile("[^\\w-]+").splitAsStream(message).toList()::contains)
        ? OPTION + " " + file + ": " + message
        : message;
  }

  private List<String> arguments() {
    var result = new ArrayList<String>();
    read()
        .forEach((key, value) -> {
          var option = option(String.valueOf(key));
          if (!isGiven(option)) {
            taken.add(option.longestName());
            add(option, value, result);
          }
        });
    return result;
  }

  private Map<?, ?> read() {
    Object content;
    try {
      if (Files.isDirectory(file)) {
        throw wrong("is a folder, expected a file in YAML or JSON");
      }
      if (Files.size(file) > LARGEST) {
        throw wrong("is larger than 1 MiB, expected a file with options");
      }
      var settings =
          LoadSettings.builder()
              .setLabel(file.toString())
              .setSchema(new TextSchema())
              .setAllowDuplicateKeys(false)
              .build();
      content = new Load(settings).loadFromString(Files.readString(file));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (MarkedYamlEngineException e) {
      var place = e.getProblemMark().map(m -> "line " + (m.getLine() + 1) + ": ").orElse("");
      throw wrong("is neither YAML nor JSON: " + place + e.getProblem());
    } catch (YamlEngineException e) {
      throw wrong("is neither YAML nor JSON: " + e.getMessage());
    }
    if ("".equals(content)) {
      return Map.of();
    }
    if (content instanceof Map<?, ?> map) {
      return map;
    }
    throw wrong("has no names with values, such as epochs: 3");
  }

  private OptionSpec option(String key) {
    var name = "--" + key.toLowerCase(Locale.ROOT).replace('_', '-');
    var option = spec.findOption(name);
    if (option != null && !NOT_IN_FILES.contains(option.longestName())) {
      return option;
    }
    throw wrong("has " + key + ", which is no option" + alike(name));
  }

  private String alike(String name) {
    var known =
        spec.options().stream()
            .map(OptionSpec::longestName)
            .filter(other -> !NOT_IN_FILES.contains(other))
            .toList();
    String nearest = "";
    double best = ALIKE;
    for (var other : known) {
      double likeness =
          1 - (double) distance(name, other) / Math.max(name.length(), other.length());
      if (likeness > best) {
        best = likeness;
        nearest = other;
      }
    }
    return nearest.isEmpty() ? "" : "; perhaps " + nearest.substring(2);
  }

  /** Letters to change, put in or leave out. */
  private static int distance(String a, String b) {
    int[] before = new int[b.length() + 1];
    for (int j = 0; j <= b.length(); j++) {
      before[j] = j;
    }
    for (int i = 1; i <= a.length(); i++) {
      int[] row = new int[b.length() + 1];
      row[0] = i;
      for (int j = 1; j <= b.length(); j++) {
        int changed = before[j - 1] + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        row[j] = Math.min(changed, 1 + Math.min(before[j], row[j - 1]));
      }
      before = row;
    }
    return before[b.length()];
  }

  private boolean isGiven(OptionSpec option) {
    for (var word : given) {
      if (word.equals("--")) {
        return false;
      }
      for (var name : option.names()) {
        if (word.equals(name) || word.startsWith(name + "=")) {
          return true;
        }
      }
    }
    return false;
  }

  private void add(OptionSpec option, Object value, List<String> arguments) {
    var name = option.longestName();
    switch (value) {
      case Map<?, ?> _ -> throw wrong("has more names under " + name.substring(2));
      case Collection<?> values when option.isMultiValue() ->
          values.forEach(one -> addText(option, one, arguments));
      case Collection<?> _ -> throw wrong("has a list for " + name.substring(2));
      case null -> {}
      default -> addText(option, value, arguments);
    }
  }

  private void addText(OptionSpec option, Object value, List<String> arguments) {
    var name = option.longestName();
    if (!(value instanceof String text)) {
      throw wrong("has a list or names within the list of " + name.substring(2));
    }
    if (option.arity().max() > 0) {
      if (!NOTHING.contains(text)) {
        arguments.add(name + "=" + text);
      }
      return;
    }
    switch (text.toLowerCase(Locale.ROOT)) {
      case "true" -> arguments.add(name);
      case "false", "null", "~", "" -> {}
      default ->
          throw wrong("has " + text + " for " + name.substring(2) + ", expected true or false");
    }
  }

  private ParameterException wrong(String what) {
    return new ParameterException(command, OPTION + " " + file + " " + what);
  }
}
