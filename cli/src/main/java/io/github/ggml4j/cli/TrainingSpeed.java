package io.github.ggml4j.cli;

import io.github.ggml4j.evaluation.Speed;
import io.github.ggml4j.inference.ScoringSession;
import io.github.ggml4j.internal.Check;
import io.github.ggml4j.model.Gpt2Model;
import io.github.ggml4j.trainer.internal.engine.TrainingEngine;
import io.github.ggml4j.trainer.optim.AdamW;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.CancellationException;

/** Measures training with AdamW and dropout. Changes the weights of the model. */
final class TrainingSpeed {
  private static final long SEED = 5;
  private static final double LEARNING_RATE = 3e-5;
  private static final float DROPOUT = 0.1f;

  /** Relative tolerance for the loss of inference, whose weights may be quantized. */
  private static final double TOLERANCE = 1e-3;

  private TrainingSpeed() {}

  /**
   * Measures whole steps.
   *
   * @param batch sequences in a batch
   * @param accumulation batches of a step
   * @param length tokens of each sequence
   * @throws IllegalStateException if the loss is not the one that inference computes, or if
   *     training on one batch repeatedly does not lower it
   */
  static Speed measure(Gpt2Model model, int batch, int accumulation, int length, int runs) {
    var sequences = new int[batch][];
    var random = new Random(SEED);
    Arrays.setAll(sequences, i -> random.ints(length, 0, model.config().vocabSize()).toArray());
    int[] tokens = Arrays.stream(sequences).flatMapToInt(Arrays::stream).toArray();
    double expected = inferred(model, sequences);
    var optimizer = AdamW.learningRate(LEARNING_RATE).eps(1e-8);
    var settings = new TrainingEngine.Settings(SEED, DROPOUT, DROPOUT, DROPOUT);
    try (var engine = new TrainingEngine(model, optimizer, settings)) {
      double before = loss(engine, tokens, batch, length);
      check(Math.abs(before - expected) <= TOLERANCE * expected, "is not", before, expected);
      step(engine, tokens, batch, length, accumulation);
      var seconds = new ArrayList<Double>();
      for (int i = 0; i < runs; i++) {
        if (Thread.currentThread().isInterrupted()) {
          throw new CancellationException("Interrupted after " + i + " of " + runs + " steps");
        }
        long start = System.nanoTime();
        step(engine, tokens, batch, length, accumulation);
        seconds.add((System.nanoTime() - start) / 1e9);
      }
      long free = model.device().freeMemory();
      double after = loss(engine, tokens, batch, length);
      check(after < before, "did not fall from", after, before);
      int perStep = Math.multiplyExact(batch * length, accumulation);
      return new Speed("training", perStep, seconds, free);
    }
  }

  /** Checks the sizes of a step. */
  static void check(int batch, int accumulation, int length) {
    Check.atLeast("batchSize", batch, 1);
    Check.atLeast("gradientAccumulationSteps", accumulation, 1);
    Check.atLeast("maxSequenceLength", length, 2);
  }

  private static double inferred(Gpt2Model model, int[][] sequences) {
    try (var session = ScoringSession.open(model)) {
      session.read(sequences, 0);
      var losses = session.losses();
      double sum = 0;
      for (float loss : losses) {
        sum += loss;
      }
      return sum / losses.length;
    }
  }

  private static double loss(TrainingEngine engine, int[] tokens, int batch, int length) {
    return engine.evaluate(tokens, tokens, batch, length).loss() / ((double) batch * (length - 1));
  }

  private static void step(
      TrainingEngine engine, int[] tokens, int batch, int length, int accumulation) {
    float scale = 1f / accumulation / (batch * (length - 1));
    for (int i = 0; i < accumulation; i++) {
      engine.accumulate(tokens, tokens, batch, length, scale);
    }
    engine.update(1, 1);
  }

  private static void check(boolean right, String problem, double loss, double other) {
    if (!right) {
      throw new IllegalStateException(
          "The loss of training, "
              + loss
              + ", "
              + problem
              + " "
              + other
              + "; no speed is reported");
    }
  }
}
