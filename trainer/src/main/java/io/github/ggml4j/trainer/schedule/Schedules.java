package io.github.ggml4j.trainer.schedule;

import io.github.ggml4j.error.InvalidArgumentException;
import java.util.List;
import java.util.Locale;
import java.util.function.LongFunction;

/** The schedules by name, as the command line offers them. */
public final class Schedules {

  private record Kind(String name, LongFunction<Schedule> maker) {}

  private static final List<Kind> KINDS =
      List.of(
          new Kind("linear", LinearWarmup::steps),
          new Kind("cosine", CosineWarmup::steps),
          new Kind("constant", ConstantWarmup::steps));

  private Schedules() {}

  /** The names: {@code linear}, {@code cosine}, {@code constant}. The first is the default. */
  public static List<String> names() {
    return KINDS.stream().map(Kind::name).toList();
  }

  /**
   * Creates a schedule.
   *
   * @param name one of {@link #names}, in upper or lower case
   * @param warmupSteps optimizer steps until the base rate is reached, at least 0
   * @throws InvalidArgumentException if there is no schedule of this name, or a value is out of
   *     range
   */
  public static Schedule named(String name, long warmupSteps) {
    return KINDS.stream()
        .filter(kind -> kind.name.equals(name.toLowerCase(Locale.ROOT)))
        .findFirst()
        .orElseThrow(() ->
            new InvalidArgumentException("schedule", name, "one of " + String.join(", ", names())))
        .maker
        .apply(warmupSteps);
  }
}
