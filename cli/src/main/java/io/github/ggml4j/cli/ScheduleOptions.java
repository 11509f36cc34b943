package io.github.ggml4j.cli;

import io.github.ggml4j.error.InvalidArgumentException;
import io.github.ggml4j.trainer.schedule.Schedule;
import io.github.ggml4j.trainer.schedule.Schedules;
import io.github.ggml4j.trainer.schedule.Warmup;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Options for the learning rate's schedule. */
final class ScheduleOptions {
  private static final class Names implements Iterable<String> {
    @Override
    public Iterator<String> iterator() {
      return Schedules.names().iterator();
    }
  }

  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  @Option(
      names = "--schedule",
      defaultValue = "linear",
      paramLabel = "NAME",
      completionCandidates = Names.class,
      description =
          "How the learning rate changes after the warmup: ${COMPLETION-CANDIDATES}."
              + " Default: ${DEFAULT-VALUE}.")
  private String name;

  @Option(
      names = "--schedule-arguments",
      arity = "1",
      paramLabel = "NAME=VALUE",
      description =
          "An argument of the schedule, as in Hugging Face's lr_scheduler_kwargs: num_cycles=2,"
              + " min_lr=1e-6, num_decay_steps=100; may be given several times.")
  private List<String> arguments = List.of();

  @Option(
      names = "--warmup-steps",
      defaultValue = "0",
      paramLabel = "N",
      description =
          "Steps until the highest learning rate is reached; a number below 1 is a ratio of all"
              + " steps. Default: ${DEFAULT-VALUE}.")
  @SetsParameter("schedule.warmup")
  private double warmupSteps;

  @Option(
      names = "--warmup-ratio",
      paramLabel = "X",
      description = "The warmup as a ratio of all steps, instead of --warmup-steps.")
  private @Nullable Double warmupRatio;

  /**
   * The schedule.
   *
   * @param learningRate base learning rate of the optimizer
   */
  Schedule schedule(double learningRate) {
    return Schedules.named(name, learningRate, warmup(), arguments());
  }

  private Warmup warmup() {
    var ratio = warmupRatio;
    if (ratio != null) {
      if (warmupSteps != 0) {
        throw new ParameterException(
            spec.commandLine(),
            "--warmup-steps is "
                + warmupSteps
                + " and --warmup-ratio is "
                + ratio
                + "; expected only one of them");
      }
      return ratio == 0 ? Warmup.NONE : Warmup.ratio(ratio);
    }
    if (warmupSteps > 0 && warmupSteps < 1) {
      return Warmup.ratio(warmupSteps);
    }
    if (warmupSteps != Math.rint(warmupSteps) || Double.isInfinite(warmupSteps)) {
      throw new InvalidArgumentException(
          "warmupSteps", warmupSteps, "an integer, or a ratio below 1");
    }
    return Warmup.steps((long) warmupSteps);
  }

  private Map<String, String> arguments() {
    var map = new LinkedHashMap<String, String>();
    for (var argument : arguments) {
      int at = argument.indexOf('=');
      if (at < 1) {
        throw new ParameterException(
            spec.commandLine(), "--schedule-arguments " + argument + ": expected NAME=VALUE");
      }
      map.put(argument.substring(0, at), argument.substring(at + 1));
    }
    return map;
  }
}
