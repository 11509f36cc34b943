package io.github.ggml4j.cli;

import io.github.ggml4j.generation.GenerationConfig;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;

/** Options of generation that change as a session goes on; checked as on the command line. */
final class GenerationSettings {
  private static final String NO_VALUE = "-";

  private final Map<String, List<String>> given = new LinkedHashMap<>();
  private final GenerationConfig usual;
  private GenerationOptions options = new GenerationOptions();

  /**
   * Those that the command line has.
   *
   * @param usual what holds for others
   */
  GenerationSettings(ParseResult args, GenerationConfig usual) {
    this.usual = usual;
    for (var option : args.matchedOptions()) {
      if (parser(options).getCommandSpec().findOption(option.longestName()) != null) {
        given.put(option.longestName(), List.copyOf(option.stringValues()));
      }
    }
    options = parse(given);
  }

  GenerationOptions options() {
    return options;
  }

  /** The options, as those of a command. */
  CommandSpec command() {
    return parser(options).getCommandSpec();
  }

  /** Names without the dashes in front. */
  List<String> names() {
    return parser(options).getCommandSpec().options().stream()
        .map(option -> name(option.longestName()))
        .toList();
  }

  /**
   * Changes one.
   *
   * @param values texts of the option, all of them; for a switch none means on
   * @throws IllegalArgumentException for what is no option or no value of it; nothing changes then
   */
  void set(String name, List<String> values) {
    var option = find(name);
    var changed = new LinkedHashMap<>(given);
    if (isSwitch(option)) {
      var value = values.isEmpty() ? "true" : String.join(" ", values);
      switch (value) {
        case "true", "on", "yes" -> changed.put(option.longestName(), List.of("true"));
        case "false", "off", "no" -> changed.remove(option.longestName());
        default -> throw new IllegalArgumentException(name + " is on or off, not " + value);
      }
    } else if (values.isEmpty()) {
      throw new IllegalArgumentException(
          name + " needs a value; /unset " + name + " gives it its default");
    } else if (option.isMultiValue()) {
      changed.put(option.longestName(), List.copyOf(values));
    } else {
      changed.put(option.longestName(), List.of(String.join(" ", values)));
    }
    change(changed);
  }

  /** Gives one its default. */
  void unset(String name) {
    var changed = new LinkedHashMap<>(given);
    changed.remove(find(name).longestName());
    change(changed);
  }

  /** All of them, a line each. */
  List<String> describe() {
    return parser(options).getCommandSpec().options().stream()
        .map(option -> "%-34s%s".formatted(name(option.longestName()), value(option)))
        .toList();
  }

  private String value(OptionSpec option) {
    var values = given.get(option.longestName());
    if (values != null) {
      return option.isMultiValue() ? quoted(values) : values.getFirst();
    }
    return switch (name(option.longestName())) {
      case "greedy" -> String.valueOf(!usual.doSample());
      case "do-sample" -> String.valueOf(usual.doSample() && usual.numBeams() > 1);
      case "max-new-tokens" -> text(usual.maxNewTokens());
      case "min-new-tokens" -> text(usual.minNewTokens());
      case "temperature" -> text(usual.temperature());
      case "top-k" -> text(usual.topK());
      case "top-p" -> text(usual.topP());
      case "min-p" -> text(usual.minP());
      case "typical-p" -> text(usual.typicalP());
      case "top-h" -> text(usual.topH());
      case "epsilon-cutoff" -> text(usual.epsilonCutoff());
      case "eta-cutoff" -> text(usual.etaCutoff());
      case "encoder-repetition-penalty" -> text(usual.encoderRepetitionPenalty());
      case "encoder-no-repeat-ngram-size" -> text(usual.encoderNoRepeatNgramSize());
      case "guidance-scale" -> text(usual.guidanceScale());
      case "prompt-lookup-num-tokens" -> text(usual.promptLookupNumTokens());
      case "max-matching-ngram-size" -> text(usual.maxMatchingNgramSize());
      case "forced-bos-token-id" -> text(usual.forcedBosTokenId());
      case "remove-invalid-values" -> String.valueOf(usual.removeInvalidValues());
      case "renormalize-logits" -> String.valueOf(usual.renormalizeLogits());
      case "repetition-penalty" -> text(usual.repetitionPenalty());
      case "no-repeat-ngram-size" -> text(usual.noRepeatNgramSize());
      case "num-beams" -> text(usual.numBeams());
      case "length-penalty" -> text(usual.lengthPenalty());
      case "early-stopping" -> usual.earlyStopping().name().toLowerCase(Locale.ROOT);
      default -> isSwitch(option) ? "false" : NO_VALUE;
    };
  }

  private static String text(@Nullable Number value) {
    return value == null ? NO_VALUE : value.toString().replaceAll("\\.0$", "");
  }

  private static String quoted(List<String> values) {
    return String.join(
        " ", values.stream().map(value -> "\"" + value.replace("\n", "\\n") + "\"").toList());
  }

  private void change(Map<String, List<String>> changed) {
    GenerationOptions parsed;
    try {
      parsed = parse(changed);
      parsed.check();
    } catch (ParameterException e) {
      throw new IllegalArgumentException(e.getMessage(), e);
    }
    options = parsed;
    given.clear();
    given.putAll(changed);
  }

  private static GenerationOptions parse(Map<String, List<String>> values) {
    var result = new GenerationOptions();
    var parser = parser(result);
    var args = new ArrayList<String>();
    values.forEach((name, texts) -> {
      if (isSwitch(parser.getCommandSpec().findOption(name))) {
        args.add(name);
      } else {
        texts.forEach(text -> args.add(name + "=" + text));
      }
    });
    parser.parseArgs(args.toArray(String[]::new));
    return result;
  }

  private OptionSpec find(String name) {
    var option = command().findOption("--" + name.replace('_', '-'));
    if (option == null) {
      throw new IllegalArgumentException("there is no setting " + name + "; /show has them all");
    }
    return option;
  }

  private static boolean isSwitch(OptionSpec option) {
    return option.arity().max() == 0;
  }

  private static String name(String option) {
    return option.substring(2);
  }

  private static CommandLine parser(GenerationOptions options) {
    return new CommandLine(options).setCaseInsensitiveEnumValuesAllowed(true);
  }
}
