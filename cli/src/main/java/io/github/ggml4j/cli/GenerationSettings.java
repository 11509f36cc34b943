package io.github.ggml4j.cli;

import io.github.ggml4j.generation.GenerationConfig;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;

/** Generation options that can change during a session, with the checks of the command line. */
final class GenerationSettings {
  private static final String NO_VALUE = "-";

  private final Map<String, List<String>> given = new LinkedHashMap<>();
  private final GenerationConfig defaults;
  private GenerationOptions options = new GenerationOptions();
  private Consumer<GenerationOptions> modelCheck = _ -> {};
  private @Nullable String adapter;

  /**
   * Creates settings with the options of the command line.
   *
   * @param defaults values of options that are not given
   */
  GenerationSettings(ParseResult args, GenerationConfig defaults) {
    this.defaults = defaults;
    for (var option : args.matchedOptions()) {
      if (parser(options).getCommandSpec().findOption(option.longestName()) != null) {
        given.put(option.longestName(), List.copyOf(option.stringValues()));
      }
    }
    options = parse(given);
  }

  /** Sets the adapter of the model that is used; null for none. It is not a setting. */
  void adapter(@Nullable String name) {
    adapter = name;
  }

  /** Applies the settings and the adapter. */
  void apply(GenerationConfig.Builder config, GenerationOptions values) {
    values.apply(config);
    config.adapter(adapter);
  }

  /** Sets a check against the model. It throws an exception to refuse a change. */
  void check(Consumer<GenerationOptions> check) {
    modelCheck = check;
  }

  GenerationOptions options() {
    return options;
  }

  /** The options as a picocli command. */
  CommandSpec command() {
    return parser(options).getCommandSpec();
  }

  /** Names without the leading dashes. */
  List<String> names() {
    return parser(options).getCommandSpec().options().stream()
        .map(option -> name(option.longestName()))
        .toList();
  }

  /**
   * Changes a setting.
   *
   * @param values all values of the option; empty turns a switch on
   * @throws IllegalArgumentException for an unknown option or a wrong value; the settings are then
   *     unchanged
   */
  void set(String name, List<String> values) {
    var option = find(name);
    var changed = new LinkedHashMap<>(given);
    if (isSwitch(option)) {
      var value = values.isEmpty() ? "true" : String.join(" ", values);
      switch (value) {
        case "true", "on", "yes" -> changed.put(option.longestName(), List.of("true"));
        case "false", "off", "no" -> changed.remove(option.longestName());
        default ->
            throw new IllegalArgumentException(name + " is " + value + ", expected on or off");
      }
    } else if (values.isEmpty()) {
      throw new IllegalArgumentException(
          name + " needs a value; /unset " + name + " restores its default");
    } else if (option.isMultiValue()) {
      changed.put(option.longestName(), List.copyOf(values));
    } else {
      changed.put(option.longestName(), List.of(String.join(" ", values)));
    }
    change(changed);
  }

  /** Restores the default of a setting. */
  void unset(String name) {
    var changed = new LinkedHashMap<>(given);
    changed.remove(find(name).longestName());
    change(changed);
  }

  /** All settings, one in each line. */
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
      case "greedy" -> String.valueOf(!defaults.doSample());
      case "do-sample" -> String.valueOf(defaults.doSample() && defaults.numBeams() > 1);
      case "max-new-tokens" -> text(defaults.maxNewTokens());
      case "min-new-tokens" -> text(defaults.minNewTokens());
      case "temperature" -> text(defaults.temperature());
      case "top-k" -> text(defaults.topK());
      case "top-p" -> text(defaults.topP());
      case "min-p" -> text(defaults.minP());
      case "typical-p" -> text(defaults.typicalP());
      case "top-h" -> text(defaults.topH());
      case "epsilon-cutoff" -> text(defaults.epsilonCutoff());
      case "eta-cutoff" -> text(defaults.etaCutoff());
      case "encoder-repetition-penalty" -> text(defaults.encoderRepetitionPenalty());
      case "encoder-no-repeat-ngram-size" -> text(defaults.encoderNoRepeatNgramSize());
      case "guidance-scale" -> text(defaults.guidanceScale());
      case "prompt-lookup-num-tokens" -> text(defaults.promptLookupNumTokens());
      case "max-matching-ngram-size" -> text(defaults.maxMatchingNgramSize());
      case "forced-bos-token-id" -> text(defaults.forcedBosTokenId());
      case "remove-invalid-values" -> String.valueOf(defaults.removeInvalidValues());
      case "renormalize-logits" -> String.valueOf(defaults.renormalizeLogits());
      case "repetition-penalty" -> text(defaults.repetitionPenalty());
      case "no-repeat-ngram-size" -> text(defaults.noRepeatNgramSize());
      case "num-beams" -> text(defaults.numBeams());
      case "length-penalty" -> text(defaults.lengthPenalty());
      case "early-stopping" -> defaults.earlyStopping().name().toLowerCase(Locale.ROOT);
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
      modelCheck.accept(parsed);
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
      throw new IllegalArgumentException("there is no setting " + name + "; /show lists all");
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
