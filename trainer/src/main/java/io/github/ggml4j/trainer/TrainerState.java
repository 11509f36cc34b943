package io.github.ggml4j.trainer;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * How far a training is, as {@code TrainerState} of transformers. For a resumed training all
 * numbers include the steps before the interruption. The values change during the training; read
 * them on the training thread.
 */
public final class TrainerState {
  private static final int MAX_POSITION_BYTES = 1 << 30;

  private long step;
  private double epoch;
  private double firstLoss = Double.NaN;
  private double lastLoss = Double.NaN;
  private double lossSum;
  private long tokens;
  private long nanos;
  private double learningRateScale = 1;
  private int completedEpochs;
  private long stepsInEpoch;

  /** Position in the data from which to resume the current epoch; null to start an epoch. */
  private byte @Nullable [] position;

  TrainerState() {}

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

  void learningRateScale(double factor) {
    learningRateScale = factor;
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

  /** Writes the state from which a training resumes. */
  void save(DataOutput out) throws IOException {
    out.writeLong(step);
    out.writeInt(completedEpochs);
    out.writeLong(stepsInEpoch);
    out.writeDouble(epoch);
    out.writeDouble(firstLoss);
    out.writeDouble(lastLoss);
    out.writeDouble(lossSum);
    out.writeLong(tokens);
    out.writeLong(nanos);
    out.writeDouble(learningRateScale);
    out.writeInt(position == null ? 0 : position.length);
    if (position != null) {
      out.write(position);
    }
  }

  /** Restores what {@link #save} wrote. */
  void restore(DataInput in) throws IOException {
    step = in.readLong();
    completedEpochs = in.readInt();
    stepsInEpoch = in.readLong();
    epoch = in.readDouble();
    firstLoss = in.readDouble();
    lastLoss = in.readDouble();
    lossSum = in.readDouble();
    tokens = in.readLong();
    nanos = in.readLong();
    learningRateScale = in.readDouble();
    int length = in.readInt();
    if (step < 1 || completedEpochs < 0 || nanos < 0 || length < 0 || length > MAX_POSITION_BYTES) {
      throw new IOException("it has step " + step + " and epoch " + completedEpochs);
    }
    byte[] read = new byte[length];
    in.readFully(read);
    position = length == 0 ? null : read;
  }
}
