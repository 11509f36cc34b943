package io.github.ggml4j.cli;

import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.Model.CommandSpec;

/**
 * Replaces names of parameters with options in messages of exceptions that are not an {@link
 * io.github.ggml4j.error.InvalidArgumentException} and therefore name the parameter only in the
 * text.
 */
final class PlainMessages {
  /** Parameters whose option has another name. */
  private static final Map<String, String> OTHERS =
      Map.of(
          "stopStrings",
          "--stop",
          "eosTokenIds",
          "--eos-token-id",
          "forcedEosTokenIds",
          "--forced-eos-token-id",
          "saveTo",
          "--output",
          "maxWindows",
          "--windows");

  private static final Pattern PARAMETER = Pattern.compile("\\b([a-z]+(?:[A-Z]\\w*)+)\\b");
  private static final Pattern FIRST_WORD = Pattern.compile("^([A-Za-z]+) (is|must|has) ");

  private static final Pattern BEGINNING = Pattern.compile("^(\\w+ )?--\\w");

  private PlainMessages() {}

  static String translate(String message, CommandSpec command) {
    var options = optionsByParameter(command);
    var greedy = options.containsKey("greedy");
    var text = greedy ? message.replace("doSample(false)", "--greedy") : message;
    if (options.containsKey("textColumn")) {
      text = text.replace("text(...)", "--text-column").replace("config(...)", "--dataset-config");
    }
    text =
        PARAMETER
            .matcher(text)
            .replaceAll(
                m -> Matcher.quoteReplacement(options.getOrDefault(m.group(1), m.group(1))));
    var first = FIRST_WORD.matcher(text);
    if (first.find()) {
      var option = options.get(first.group(1).toLowerCase(Locale.ROOT));
      if (option != null) {
        text = option + text.substring(first.end(1));
      }
    }
    return text;
  }

  /** Whether a translated message begins with an option, or with one word and an option. */
  static boolean areIn(String message) {
    return BEGINNING.matcher(message).find();
  }

  private static Map<String, String> optionsByParameter(CommandSpec command) {
    var result = new TreeMap<String, String>();
    for (var option : command.options()) {
      result.put(parameter(option.longestName()), option.longestName());
    }
    OTHERS.forEach((parameter, option) -> {
      if (command.findOption(option) != null) {
        result.put(parameter, option);
      }
    });
    return result;
  }

  /** Converts {@code --top-k} to {@code topK}. */
  private static String parameter(String option) {
    return Pattern.compile("-(\\w)")
        .matcher(option.replaceFirst("^-+", ""))
        .replaceAll(m -> m.group(1).toUpperCase(Locale.ROOT));
  }
}
