package io.github.ggml4j.trainer.schedule;

import io.github.ggml4j.error.InvalidArgumentException;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;

/**
 * The schedules by name, as the command line offers them: the values of Hugging Face's {@code
 * lr_scheduler_type}, with the arguments of {@code lr_scheduler_kwargs}.
 */
public final class Schedules {

  /**
   * A kind of schedule.
   *
   * @param hasWarmup whether it uses a warmup
   * @param arguments names of its arguments
   */
  private record Kind(
      String name,
      boolean hasWarmup,
      Set<String> arguments,
      Function<ScheduleArguments, Schedule> maker) {}

  private static final List<Kind> KINDS =
      List.of(
          new Kind("linear", true, Set.of(), a -> new LinearWarmup(a.warmup())),
          new Kind(
              "cosine",
              true,
              Set.of("num_cycles"),
              a -> new CosineWarmup(a.warmup(), a.number("num_cycles", 0.5))),
          new Kind(
              "cosine_with_restarts",
              true,
              Set.of("num_cycles"),
              a -> new CosineWithRestarts(a.warmup(), a.count("num_cycles", 1))),
          new Kind(
              "cosine_with_min_lr",
              true,
              Set.of("min_lr", "min_lr_rate", "num_cycles"),
              a -> new CosineWithMinLr(a.warmup(), a.minLrRate(), a.number("num_cycles", 0.5))),
          new Kind(
              "polynomial",
              true,
              Set.of("lr_end", "power"),
              a ->
                  new Polynomial(
                      a.learningRate(),
                      a.warmup(),
                      a.number("lr_end", 1e-7),
                      a.number("power", 1))),
          new Kind("constant", false, Set.of(), _ -> Schedule.constant()),
          new Kind("constant_with_warmup", true, Set.of(), a -> new ConstantWarmup(a.warmup())),
          new Kind(
              "inverse_sqrt",
              true,
              Set.of("timescale"),
              a -> new InverseSqrt(a.warmup(), a.count("timescale"))),
          new Kind(
              "warmup_stable_decay",
              true,
              Set.of(
                  "num_decay_steps",
                  "num_stable_steps",
                  "warmup_type",
                  "decay_type",
                  "min_lr_ratio",
                  "num_cycles"),
              ScheduleArguments::warmupStableDecay),
          new Kind(
              "reduce_lr_on_plateau",
              false,
              Set.of(
                  "mode",
                  "factor",
                  "patience",
                  "threshold",
                  "threshold_mode",
                  "cooldown",
                  "min_lr",
                  "eps"),
              ScheduleArguments::reduceOnPlateau));

  private Schedules() {}

  /** The names; the first is the default of the trainer. */
  public static List<String> names() {
    return KINDS.stream().map(Kind::name).toList();
  }

  /**
   * Creates a schedule without arguments of its own.
   *
   * @param name one of {@link #names}, in upper or lower case
   * @param learningRate base learning rate of the optimizer
   * @param warmup when the base rate is reached
   * @throws InvalidArgumentException as {@link #named(String, double, Warmup, Map)}
   */
  public static Schedule named(String name, double learningRate, Warmup warmup) {
    return named(name, learningRate, warmup, Map.of());
  }

  /**
   * Creates a schedule.
   *
   * @param name one of {@link #names}, in upper or lower case
   * @param learningRate base learning rate of the optimizer
   * @param warmup when the base rate is reached
   * @param arguments as {@code lr_scheduler_kwargs}, for instance {@code num_cycles=2}
   * @throws InvalidArgumentException if there is no schedule of this name, it has no warmup but one
   *     is given, it has no such argument, needs one that is missing, or a value is out of range
   */
  public static Schedule named(
      String name, double learningRate, Warmup warmup, Map<String, String> arguments) {
    var kind =
        KINDS.stream()
            .filter(candidate -> candidate.name.equals(name.toLowerCase(Locale.ROOT)))
            .findFirst()
            .orElseThrow(() ->
                new InvalidArgumentException(
                    "schedule", name, "one of " + String.join(", ", names())));
    for (var argument : arguments.keySet()) {
      if (!kind.arguments.contains(argument)) {
        throw new InvalidArgumentException(
            "scheduleArguments",
            argument,
            kind.arguments.isEmpty()
                ? "nothing, because the schedule " + kind.name + " has no arguments"
                : "one of " + String.join(", ", kind.arguments.stream().sorted().toList()));
      }
    }
    if (!kind.hasWarmup && !warmup.equals(Warmup.NONE)) {
      throw new InvalidArgumentException(
          "schedule",
          name,
          "a schedule with a warmup",
          "The warmup is "
              + warmup
              + ", and "
              + kind.name
              + " has none"
              + (kind.name.equals("constant") ? ". Use constant_with_warmup" : ""));
    }
    return new ScheduleArguments(learningRate, warmup, arguments).make(kind.maker);
  }
}
