package io.github.ggml4j.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
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
import org.snakeyaml.engine.v2.exceptions.DuplicateKeyException;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.nodes.Tag;
import org.snakeyaml.engine.v2.resolver.ScalarResolver;
import org.snakeyaml.engine.v2.schema.FailsafeSchema;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;

/**
 * Reads options of a command from a YAML or JSON file (JSON is YAML). The names are the option
 * names without the leading dashes. Each option becomes a command-line argument, so that the same
 * checks apply. Options on the command line take precedence.
 */
final class ConfigFile {
  static final String OPTION = "--config";

  /** Reads null. */
  private static final class NoValue implements ConstructNode {
    @Override
    public @Nullable Object construct(@Nullable Node node) {
      return null;
    }
  }

  /** Reads every value as text, so that 3e-5 and 007 stay unchanged; only null is not text. */
  private static final class TextSchema extends FailsafeSchema {
    @Override
    public ScalarResolver getScalarResolver() {
      return (value, isPlain) -> isPlain && NULLS.contains(value) ? Tag.NULL : Tag.STR;
    }

    @Override
    public Map<Tag, ConstructNode> getSchemaTagConstructors() {
      return Map.of(Tag.NULL, new NoValue());
    }
  }

  /** Options that a file must not have. */
  private static final Set<String> NOT_IN_FILES = Set.of(OPTION, "--help", "--version");

  /** YAML's ways to write null, if they are not quoted. */
  private static final Set<String> NULLS = Set.of("", "null", "Null", "NULL", "~");

  /** YAML 1.1's booleans. */
  private static final Set<String> TRUE = Set.of("true", "yes", "on");

  private static final Set<String> FALSE = Set.of("false", "no", "off");

  private static final double MIN_SIMILARITY = 0.5;
  private static final int MAX_BYTES = 1 << 20;

  private final CommandLine command;
  private final CommandSpec spec;
  private final Path file;
  private final List<String> given;
  private final Set<String> fromFile = new LinkedHashSet<>();

  private ConfigFile(CommandLine command, Path file, List<String> given) {
    this.command = command;
    this.spec = command.getCommandSpec();
    this.file = file;
    this.given = given;
  }

  /**
   * The file that {@code --config} names.
   *
   * @param args the name of the command, and its arguments
   * @return null if there is no such option
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
   * The arguments of the file followed by those of the command line.
   *
   * @throws ParameterException if the file has an option that the command does not have
   */
  String[] expand() {
    var result = new ArrayList<>(List.of(command.getCommandName()));
    result.addAll(arguments());
    result.addAll(given);
    return result.toArray(String[]::new);
  }

  /** Adds the file's name in front of a message that names an option from the file. */
  String explain(String message) {
    return fromFile.stream()
            .anyMatch(Pattern.compile("[^\\w-]+").splitAsStream(message).toList()::contains)
        ? OPTION + " " + file + ": " + message
        : message;
  }

  private List<String> arguments() {
    var result = new ArrayList<String>();
    var keys = new HashMap<String, String>();
    read()
        .forEach((key, value) -> {
          var option = option(String.valueOf(key));
          var earlier = keys.put(option.longestName(), String.valueOf(key));
          if (earlier != null) {
            throw wrong("has " + earlier + " and " + key + ", which are the same option");
          }
          if (!isGiven(option)) {
            fromFile.add(option.longestName());
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
      if (Files.size(file) > MAX_BYTES) {
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
    } catch (DuplicateKeyException e) {
      var position = e.getProblemMark().map(m -> " again in line " + (m.getLine() + 1)).orElse("");
      var key = e.getProblem().replace("found duplicate key ", "");
      throw wrong("has " + key + position + "; name it once");
    } catch (MarkedYamlEngineException e) {
      var position = e.getProblemMark().map(m -> "line " + (m.getLine() + 1) + ": ").orElse("");
      throw wrong("is neither YAML nor JSON: " + position + e.getProblem());
    } catch (YamlEngineException e) {
      throw wrong("is neither YAML nor JSON: " + e.getMessage());
    }
    if (content == null) {
      return Map.of();
    }
    if (content instanceof Map<?, ?> map) {
      return map;
    }
    throw wrong("has no options, such as epochs: 3");
  }

  private OptionSpec option(String key) {
    var name = "--" + key.toLowerCase(Locale.ROOT).replace('_', '-');
    var option = spec.findOption(name);
    if (option != null && !NOT_IN_FILES.contains(option.longestName())) {
      return option;
    }
    throw wrong("has " + key + ", which is not an option" + similar(name));
  }

  private String similar(String name) {
    var known =
        spec.options().stream()
            .map(OptionSpec::longestName)
            .filter(other -> !NOT_IN_FILES.contains(other))
            .toList();
    String nearest = "";
    double best = MIN_SIMILARITY;
    for (var other : known) {
      double likeness =
          1 - (double) distance(name, other) / Math.max(name.length(), other.length());
      if (likeness > best) {
        best = likeness;
        nearest = other;
      }
    }
    return nearest.isEmpty() ? "" : "; did you mean " + nearest.substring(2) + "?";
  }

  /** The edit distance (Levenshtein). */
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

  private void add(OptionSpec option, @Nullable Object value, List<String> arguments) {
    var name = option.longestName();
    switch (value) {
      case null -> throw noValue(option);
      case Map<?, ?> values when option.isMultiValue() && isPair(option) ->
          values.forEach((key, one) -> addPair(option, key, one, arguments));
      case Map<?, ?> _ ->
          throw wrong("has names and values for " + name.substring(2) + ", expected a value");
      case Collection<?> values when option.isMultiValue() ->
          values.forEach(one -> addText(option, one, arguments));
      case Collection<?> _ ->
          throw wrong("has a list for " + name.substring(2) + ", expected one value");
      default -> addText(option, value, arguments);
    }
  }

  /** Whether the values of an option are like {@code COLUMN=VALUE}. */
  private static boolean isPair(OptionSpec option) {
    return option.paramLabel().contains("=");
  }

  /** Adds {@code where: {language: Python}} as {@code --where=language=Python}. */
  private void addPair(
      OptionSpec option, @Nullable Object key, @Nullable Object value, List<String> arguments) {
    if (key == null || value == null) {
      throw noValue(option);
    }
    if (!(key instanceof String name) || !(value instanceof String text)) {
      throw wrong(
          "has a list or a mapping in " + option.longestName().substring(2) + ", expected a value");
    }
    arguments.add(option.longestName() + "=" + name + "=" + text);
  }

  private void addText(OptionSpec option, @Nullable Object value, List<String> arguments) {
    var name = option.longestName();
    if (value == null) {
      throw noValue(option);
    }
    if (!(value instanceof String text)) {
      throw wrong(
          "has a list or a mapping in the list of " + name.substring(2) + ", expected values");
    }
    if (option.arity().max() > 0) {
      arguments.add(name + "=" + text);
      return;
    }
    var lowerCase = text.toLowerCase(Locale.ROOT);
    if (TRUE.contains(lowerCase)) {
      arguments.add(name);
    } else if (!FALSE.contains(lowerCase)) {
      throw wrong("has " + text + " for " + name.substring(2) + ", expected true or false");
    }
  }

  private ParameterException noValue(OptionSpec option) {
    return wrong(
        "has no value for "
            + option.longestName().substring(2)
            + "; remove it to use the default, or quote \"\" or \"null\" if it is text");
  }

  private ParameterException wrong(String what) {
    return new ParameterException(command, OPTION + " " + file + " " + what);
  }
}
