package io.github.ggml4j.trainer;

import io.github.ggml4j.model.Gpt2Config;
import io.github.ggml4j.tensor.MatmulPrecision;
import io.github.ggml4j.trainer.optim.Optimizer;
import io.github.ggml4j.trainer.schedule.Schedule;
import java.lang.reflect.RecordComponent;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.OptionalLong;
import java.util.SequencedMap;
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
    identity.put("batchSize", "" + options.batchSize());
    identity.put("gradientAccumulationSteps", "" + options.gradientAccumulationSteps());
    identity.put("maxSequenceLength", "" + options.maxSequenceLength());
    identity.put("packing", "" + options.packing());
    identity.put("padding", "" + options.padding());
    identity.put("shuffle", "" + options.shuffle());
    identity.put("seed", "" + options.seed());
    identity.put("clipNorm", "" + options.clipNorm());
    identity.put("dropout", dropout(options, config));
    identity.put("float32MatmulPrecision", MatmulPrecision.current().torchName());
    addOptimizer(identity, options.optimizer());
    if (!addRecord(identity, "schedule", options.schedule())) {
      identity.put("schedule", sampled(options.schedule(), totalSteps));
    }
    if (options.schedule().usesTotalSteps() && totalSteps.isPresent()) {
      boolean byMaxSteps = options.maxSteps().equals(totalSteps);
      identity.put(
          byMaxSteps ? "maxSteps" : "epochs",
          byMaxSteps
              ? "" + totalSteps.getAsLong()
              : "" + options.epochs().orElse(Trainer.DEFAULT_EPOCHS));
    }
    identity.put(
        "model",
        "%d layers of %d, %d heads, %d positions, %d tokens, %s"
            .formatted(
                config.nLayer(),
                config.nEmbd(),
                config.nHead(),
                config.nPositions(),
                config.vocabSize(),
                config.activationFunction()));
    identity.put("data", sequences.fingerprint());
    return identity;
  }

  private static String dropout(TrainingOptions options, Gpt2Config config) {
    return "embd %s, resid %s, attn %s"
        .formatted(
            options.dropout().orElse(config.embdPdrop()),
            options.dropout().orElse(config.residPdrop()),
            options.dropout().orElse(config.attnPdrop()));
  }

  /** Of an optimizer that is not a record, only what the interface tells can be compared. */
  private static void addOptimizer(SequencedMap<String, String> identity, Optimizer optimizer) {
    if (!addRecord(identity, "optimizer", optimizer)) {
      identity.put("optimizer", optimizer.getClass().getName());
      identity.put("optimizer.learningRate", "" + optimizer.learningRate());
      identity.put("optimizer.stateNames", "" + optimizer.stateNames());
    }
  }

  /**
   * Adds the components of a record one by one, so that a difference names the one that differs.
   *
   * @return false if it is not a record
   */
  private static boolean addRecord(
      SequencedMap<String, String> identity, String name, Object value) {
    RecordComponent[] components = value.getClass().getRecordComponents();
    if (components == null) {
      return false;
    }
    identity.put(name, value.getClass().getSimpleName());
    for (var component : components) {
      try {
        var accessor = component.getAccessor();
        identity.put(name + "." + component.getName(), String.valueOf(accessor.invoke(value)));
      } catch (ReflectiveOperationException e) {
        identity.put(name, value.toString()); // a record of a package that is not exported
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
