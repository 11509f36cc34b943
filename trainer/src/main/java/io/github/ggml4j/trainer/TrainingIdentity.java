package io.github.ggml4j.trainer;

import io.github.ggml4j.model.Gpt2Config;
import io.github.ggml4j.tensor.MatmulPrecision;
import io.github.ggml4j.trainer.optim.Optimizer;
import io.github.ggml4j.trainer.optim.StateSpec;
import io.github.ggml4j.trainer.schedule.Schedule;
import java.lang.reflect.RecordComponent;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.OptionalLong;
import java.util.SequencedMap;
import java.util.function.BiConsumer;
import java.util.zip.CRC32C;

/**
 * Every option that changes the result of a training, by name. A training resumes from a checkpoint
 * only if all of them are equal. {@code epochs} and {@code maxSteps} only decide when a training
 * ends. If the schedule depends on the number of steps, the one that determines it is included. The
 * device is not included, so that a training can move to another machine.
 */
final class TrainingIdentity {
  private static final int SAMPLES = 100;
  private static final long SAMPLED_STEPS = 10_000;

  private TrainingIdentity() {}

  static SequencedMap<String, String> of(
      TrainingOptions options, Gpt2Config config, Sequences sequences, OptionalLong totalSteps) {
    var identity = new LinkedHashMap<String, String>();
    BiConsumer<String, Object> out = (name, value) -> identity.put(name, String.valueOf(value));
    options.batches().identity(out);
    options.sequences().identity(out);
    out.accept("seed", options.seed());
    options.update().identity(config, totalSteps, out);
    options.evaluation().identity(options.update().schedule(), out);
    out.accept("float32MatmulPrecision", MatmulPrecision.current().torchName());
    if (options.update().schedule().usesTotalSteps() && totalSteps.isPresent()) {
      addLength(options.length(), totalSteps, out);
    }
    out.accept(
        "model",
        "%d layers of %d, %d heads, %d positions, %d tokens, %s"
            .formatted(
                config.nLayer(),
                config.nEmbd(),
                config.nHead(),
                config.nPositions(),
                config.vocabSize(),
                config.activationFunction()));
    out.accept("data", sequences.fingerprint());
    return identity;
  }

  private static void addLength(
      LengthOptions length, OptionalLong totalSteps, BiConsumer<String, Object> out) {
    if (length.maxSteps().equals(totalSteps)) {
      out.accept("maxSteps", totalSteps.getAsLong());
    } else {
      out.accept("epochs", length.epochs().orElse(Trainer.DEFAULT_EPOCHS));
    }
  }

  /** Of an optimizer that is not a record, only what the interface tells can be compared. */
  static void addOptimizer(Optimizer optimizer, BiConsumer<String, Object> out) {
    if (!addRecord("optimizer", optimizer, out)) {
      out.accept("optimizer", optimizer.getClass().getName());
      out.accept("optimizer.learningRate", optimizer.learningRate());
      out.accept(
          "optimizer.stateNames",
          optimizer.state(List.of()).stream().map(StateSpec::name).toList());
    }
  }

  static void addSchedule(
      Schedule schedule, OptionalLong totalSteps, BiConsumer<String, Object> out) {
    if (!addRecord("schedule", schedule, out)) {
      out.accept("schedule", sampled(schedule, totalSteps));
    }
  }

  /**
   * Adds the components of a record one by one, so that a difference names the one that differs.
   *
   * @return false if it is not a record
   */
  private static boolean addRecord(String name, Object value, BiConsumer<String, Object> out) {
    RecordComponent[] components = value.getClass().getRecordComponents();
    if (components == null) {
      return false;
    }
    out.accept(name, value.getClass().getSimpleName());
    for (var component : components) {
      try {
        var accessor = component.getAccessor();
        out.accept(name + "." + component.getName(), accessor.invoke(value));
      } catch (ReflectiveOperationException e) {
        out.accept(name, value); // a record of a package that is not exported
      }
    }
    return true;
  }

  /** Identifies a schedule that is not a record, such as a lambda, by a sample of its factors. */
  private static String sampled(Schedule schedule, OptionalLong totalSteps) {
    var checksum = new CRC32C();
    long steps = Math.min(SAMPLED_STEPS, totalSteps.orElse(SAMPLED_STEPS));
    for (int i = 0; i <= SAMPLES; i++) {
      double factor = schedule.factor(steps * i / SAMPLES, totalSteps);
      checksum.update(Double.toString(factor).getBytes(StandardCharsets.UTF_8));
    }
    return "a custom schedule, checksum %08x".formatted(checksum.getValue());
  }
}
