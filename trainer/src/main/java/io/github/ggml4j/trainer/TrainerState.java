package io.github.ggml4j.trainer;

import io.github.ggml4j.trainer.schedule.Schedule;
import io.github.ggml4j.trainer.schedule.StatefulSchedule;
import java.time.Duration;
import java.util.HashMap;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * How far a training is, as {@code TrainerState} of transformers. For a resumed training all
 * numbers include the steps before the interruption. The values change during the training; read
 * them on the training thread.
 */
public final class TrainerState {
  private long step;
  private double epoch;
  private double firstLoss = Double.NaN;
  private double lastLoss = Double.NaN;
  private double lossSum;
  private long tokens;
  private long nanos;
  private double learningRateScale = 1;
  private double bestLoss = Double.NaN;
  private long bestStep;
  private int evaluationsWithoutImprovement;
  private int completedEpochs;
  private long stepsInEpoch;

  private Schedule schedule;

  /** Position in the data from which to resume the current epoch; null to start an epoch. */
  private byte @Nullable [] position;

  /**
   * The state before the first step.
   *
   * @param schedule of the learning rate
   */
  TrainerState(Schedule schedule) {
    this.schedule = schedule;
  }

  /**
   * Optimizer steps done.
   *
   * @return the number, 0 before the first step
   */
  public long globalStep() {
    return step;
  }

  /**
   * Completed passes over the data, including the fraction of the current one if the number of
   * steps of an epoch is known.
   *
   * @return the epochs
   */
  public double epoch() {
    return epoch;
  }

  /**
   * Loss of the first step.
   *
   * @return nats, NaN before the first step
   */
  public double firstLoss() {
    return firstLoss;
  }

  /**
   * Loss of the last step.
   *
   * @return nats, NaN before the first step
   */
  public double lastLoss() {
    return lastLoss;
  }

  /**
   * Mean loss of all steps.
   *
   * @return nats, NaN before the first step
   */
  public double meanLoss() {
    return step == 0 ? Double.NaN : lossSum / step;
  }

  /**
   * Tokens trained on, without masked padding.
   *
   * @return the number
   */
  public long tokens() {
    return tokens;
  }

  /**
   * Total time of the training, including reading its data.
   *
   * @return the time when the training began or resumed last, plus that of the finished epochs
   */
  public Duration duration() {
    return Duration.ofNanos(nanos);
  }

  /**
   * The factor on the learning rate that a listener set with {@link
   * TrainerControl#scaleLearningRate}.
   *
   * @return 1 unless it was set
   */
  public double learningRateScale() {
    return learningRateScale;
  }

  /**
   * Lowest loss of an evaluation.
   *
   * @return nats, NaN before the first evaluation
   */
  public double bestLoss() {
    return bestLoss;
  }

  /**
   * The step after which the evaluation had the lowest loss.
   *
   * @return the number of steps; 0 also before the first evaluation
   */
  public long bestStep() {
    return bestStep;
  }

  /**
   * Number of evaluations since the last that counted as an improvement.
   *
   * @return the number, compared with {@link Trainer#earlyStoppingPatience}
   */
  public int evaluationsWithoutImprovement() {
    return evaluationsWithoutImprovement;
  }

  /**
   * Counts an evaluation, as the {@code EarlyStoppingCallback} and the {@code Trainer} of
   * transformers do.
   *
   * @param threshold how much lower the loss must be to count as an improvement
   * @return whether the loss is the lowest so far
   */
  boolean evaluated(double loss, double threshold) {
    if (schedule instanceof StatefulSchedule stateful) {
      schedule = stateful.evaluated(loss);
    }
    boolean lower = Double.isNaN(bestLoss) || loss < bestLoss;
    boolean improved = Double.isNaN(bestLoss) || bestLoss - loss > threshold;
    evaluationsWithoutImprovement = improved ? 0 : evaluationsWithoutImprovement + 1;
    if (lower) {
      bestLoss = loss;
      bestStep = step;
    }
    return lower;
  }

  void learningRateScale(double factor) {
    learningRateScale = factor;
  }

  /** The schedule of the next step, which evaluations may have changed. */
  Schedule schedule() {
    return schedule;
  }

  int completedEpochs() {
    return completedEpochs;
  }

  byte @Nullable [] position() {
    return position;
  }

  void position(byte @Nullable [] bytes) {
    position = bytes;
  }

  void addTime(long elapsedNanos) {
    nanos += elapsedNanos;
  }

  /**
   * Counts a step.
   *
   * @param stepsPerEpoch 0 if unknown
   */
  void stepDone(double loss, long stepTokens, long stepsPerEpoch) {
    step++;
    stepsInEpoch++;
    epoch =
        stepsPerEpoch == 0
            ? completedEpochs
            : completedEpochs + (double) stepsInEpoch / stepsPerEpoch;
    tokens += stepTokens;
    lossSum += loss;
    lastLoss = loss;
    if (step == 1) {
      firstLoss = loss;
    }
  }

  void epochDone() {
    completedEpochs++;
    stepsInEpoch = 0;
    epoch = completedEpochs;
  }

  /** Adds the state from which a training resumes, with the names of transformers. */
  void save(ObjectNode json) {
    json.put("global_step", step);
    json.put("epoch", epoch);
    if (!Double.isNaN(bestLoss)) {
      json.put("best_metric", bestLoss);
      json.put("best_global_step", bestStep);
    }
    var own = json.withObject("/ggml4j");
    own.put("evaluations_without_improvement", evaluationsWithoutImprovement);
    own.put("completed_epochs", completedEpochs);
    own.put("steps_in_epoch", stepsInEpoch);
    own.put("first_loss", firstLoss);
    own.put("last_loss", lastLoss);
    own.put("loss_sum", lossSum);
    own.put("tokens", tokens);
    own.put("nanos", nanos);
    own.put("learning_rate_scale", learningRateScale);
    if (schedule instanceof StatefulSchedule stateful) {
      var numbers = own.putObject("schedule");
      stateful.state().forEach((name, value) -> numbers.put(name, value.toString()));
    }
  }

  /** Restores what {@link #save} added. */
  void restore(JsonNode json) {
    var own = json.path("ggml4j");
    step = json.path("global_step").asLong();
    epoch = json.path("epoch").asDouble();
    bestLoss = json.path("best_metric").asDouble(Double.NaN);
    bestStep = json.path("best_global_step").asLong(0);
    evaluationsWithoutImprovement = own.path("evaluations_without_improvement").asInt();
    completedEpochs = own.path("completed_epochs").asInt();
    stepsInEpoch = own.path("steps_in_epoch").asLong();
    firstLoss = own.path("first_loss").asDouble();
    lastLoss = own.path("last_loss").asDouble();
    lossSum = own.path("loss_sum").asDouble();
    tokens = own.path("tokens").asLong();
    nanos = own.path("nanos").asLong();
    learningRateScale = own.path("learning_rate_scale").asDouble(1);
    if (schedule instanceof StatefulSchedule stateful) {
      var numbers = new HashMap<String, Double>();
      own.path("schedule")
          .properties()
          .forEach(entry ->
              numbers.put(entry.getKey(), Double.parseDouble(entry.getValue().asString())));
      schedule = stateful.withState(numbers);
    }
  }
}
