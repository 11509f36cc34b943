package io.github.ggml4j.trainer.schedule;

import io.github.ggml4j.error.InvalidArgumentException;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalLong;
import java.util.function.Function;

/**
 * The arguments of a schedule by Hugging Face's names, with the base learning rate and the warmup.
 */
record ScheduleArguments(double learningRate, Warmup warmup, Map<String, String> values) {
  private static final String PARAMETER = "scheduleArguments";

  /** Makes a schedule. An error about an argument has its name as in Python. */
  Schedule make(Function<ScheduleArguments, Schedule> maker) {
    try {
      return maker.apply(this);
    } catch (InvalidArgumentException e) {
      var name = e.parameter().replaceAll("([A-Z])", "_$1").toLowerCase(Locale.ROOT);
      if (!values.containsKey(name)) {
        throw e;
      }
      throw new InvalidArgumentException(
          PARAMETER, name + "=" + e.value(), e.expected(), e.remedy());
    }
  }

  double number(String name, double defaultValue) {
    var text = values.get(name);
    if (text == null) {
      return defaultValue;
    }
    try {
      return Double.parseDouble(text);
    } catch (NumberFormatException e) {
      throw wrong(name, text, "a number");
    }
  }

  int count(String name, int defaultValue) {
    var count = count(name);
    if (count.isPresent() && count.getAsLong() > Integer.MAX_VALUE) {
      throw wrong(name, count.getAsLong(), "at most " + Integer.MAX_VALUE);
    }
    return (int) count.orElse(defaultValue);
  }

  OptionalLong count(String name) {
    var text = values.get(name);
    if (text == null) {
      return OptionalLong.empty();
    }
    try {
      return OptionalLong.of(Long.parseLong(text));
    } catch (NumberFormatException e) {
      throw wrong(name, text, "an integer");
    }
  }

  /** {@code min_lr} / base rate, or {@code min_lr_rate}: exactly one of them is given. */
  double minLrRate() {
    boolean absolute = values.containsKey("min_lr");
    if (absolute == values.containsKey("min_lr_rate")) {
      throw wrong(
          "min_lr",
          values.getOrDefault("min_lr", "not set"),
          absolute ? "only one of min_lr and min_lr_rate" : "one of min_lr and min_lr_rate");
    }
    return absolute ? number("min_lr", 0) / learningRate : number("min_lr_rate", 0);
  }

  Schedule warmupStableDecay() {
    long decay =
        count("num_decay_steps")
            .orElseThrow(() -> wrong("num_decay_steps", "not set", "the steps of the decay"));
    return new WarmupStableDecay(
        warmup,
        decay,
        count("num_stable_steps"),
        shape("warmup_type", WarmupStableDecay.Shape.LINEAR),
        shape("decay_type", WarmupStableDecay.Shape.COSINE),
        number("min_lr_ratio", 0),
        number("num_cycles", 0.5));
  }

  private WarmupStableDecay.Shape shape(String name, WarmupStableDecay.Shape defaultValue) {
    var text = values.get(name);
    return text == null
        ? defaultValue
        : switch (text) {
          case "linear" -> WarmupStableDecay.Shape.LINEAR;
          case "cosine" -> WarmupStableDecay.Shape.COSINE;
          case "1-sqrt" -> WarmupStableDecay.Shape.ONE_MINUS_SQRT;
          default -> throw wrong(name, text, "linear, cosine or 1-sqrt");
        };
  }

  Schedule reduceOnPlateau() {
    var defaults = ReduceOnPlateau.Options.DEFAULTS;
    return ReduceOnPlateau.of(
        learningRate,
        new ReduceOnPlateau.Options(
            constant("mode", ReduceOnPlateau.Mode.class, defaults.mode()),
            number("factor", defaults.factor()),
            count("patience", defaults.patience()),
            number("threshold", defaults.threshold()),
            constant(
                "threshold_mode", ReduceOnPlateau.ThresholdMode.class, defaults.thresholdMode()),
            count("cooldown", defaults.cooldown()),
            number("min_lr", defaults.minLr()),
            number("eps", defaults.eps())));
  }

  private <E extends Enum<E>> E constant(String name, Class<E> type, E defaultValue) {
    var text = values.get(name);
    if (text == null) {
      return defaultValue;
    }
    var names =
        Arrays.stream(type.getEnumConstants())
            .map(value -> value.name().toLowerCase(Locale.ROOT))
            .toList();
    if (!names.contains(text)) {
      throw wrong(name, text, String.join(" or ", names));
    }
    return Enum.valueOf(type, text.toUpperCase(Locale.ROOT));
  }

  private static InvalidArgumentException wrong(String name, Object value, String expected) {
    return new InvalidArgumentException(PARAMETER, name + "=" + value, expected);
  }
}
