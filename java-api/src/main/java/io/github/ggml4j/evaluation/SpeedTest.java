package io.github.ggml4j.evaluation;

import io.github.ggml4j.inference.InferenceSession;
import io.github.ggml4j.internal.Check;
import io.github.ggml4j.model.Gpt2Model;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.CancellationException;
import java.util.function.DoubleSupplier;

/**
 * Measures how fast a model reads prompts and generates on its device. Results can be checked
 * before they are timed, and each measurement starts with a run that is not timed. The tokens are
 * random with a fixed seed.
 *
 * <p>Immutable; each setting returns a new object. Interrupting the thread ends a measurement
 * between two runs with a {@link CancellationException}.
 */
public final class SpeedTest {
  private static final int PROMPT = 512;
  private static final int NEW_TOKENS = 64;
  private static final int SEQUENCES = 5;
  private static final int RUNS = 5;

  /** Length of the prompt before decoding. */
  private static final int START = 16;

  /** Number of tokens that a check compares. */
  private static final int CHECKED = 8;

  /**
   * Allowed difference relative to the norm of the logits. With quantized weights, products of a
   * few rows round activations to 8 bits and products of many rows do not.
   */
  private static final double TOLERANCE = 0.05;

  private final Gpt2Model model;
  private final int promptLength;
  private final int newTokens;
  private final int sequences;
  private final int runs;

  private SpeedTest(Gpt2Model model, int promptLength, int newTokens, int sequences, int runs) {
    this.model = model;
    this.promptLength = promptLength;
    this.newTokens = newTokens;
    this.sequences = sequences;
    this.runs = runs;
  }

  /** Prompts of 512 tokens, 64 new tokens for 1 and for 5 sequences, 5 runs of each. */
  public static SpeedTest of(Gpt2Model model) {
    int positions = model.config().nPositions();
    int prompt = Math.min(PROMPT, positions);
    return new SpeedTest(
        model, prompt, Math.max(1, Math.min(NEW_TOKENS, positions - START)), SEQUENCES, RUNS);
  }

  /** Sets the length of the prompt in tokens, 1 to {@code nPositions}. */
  public SpeedTest promptLength(int tokens) {
    Check.between("promptLength", tokens, 1, model.config().nPositions());
    return new SpeedTest(model, tokens, newTokens, sequences, runs);
  }

  /** Sets the number of tokens that each sequence generates, 1 to {@code nPositions - 1}. */
  public SpeedTest newTokens(int tokens) {
    Check.between("newTokens", tokens, 1, model.config().nPositions() - 1);
    return new SpeedTest(model, promptLength, tokens, sequences, runs);
  }

  /** Sets the number of sequences that {@link #batch} generates together. */
  public SpeedTest sequences(int count) {
    Check.atLeast("sequences", count, 1);
    return new SpeedTest(model, promptLength, newTokens, count, runs);
  }

  /** Sets the number of timed runs. */
  public SpeedTest runs(int count) {
    Check.atLeast("runs", count, 1);
    return new SpeedTest(model, promptLength, newTokens, sequences, count);
  }

  /**
   * Compares what the timed ways of computing give: a text read at once, token by token, and as one
   * of several sequences.
   *
   * @throws IllegalStateException when they differ by more than rounding does, or are not finite
   */
  public SpeedTest checkResults() {
    int[] tokens = tokens(Math.min(CHECKED, model.config().nPositions()), 1);
    try (var session = InferenceSession.open(model)) {
      int whole = session.newSequence();
      session.step(new int[] {whole}, new int[][] {tokens});
      var expected = logits(session, 0);
      var sequence = new int[] {session.newSequence()};
      var several = new int[sequences];
      Arrays.setAll(several, i -> session.newSequence());
      for (int token : tokens) {
        session.step(sequence, new int[][] {{token}});
      }
      compare("token by token", logits(session, 0), expected);
      for (int token : tokens) {
        var each = new int[sequences][1];
        Arrays.fill(each, new int[] {token});
        session.step(several, each);
      }
      compare("in a batch", logits(session, sequences - 1), expected);
    }
    return this;
  }

  private static float[] logits(InferenceSession session, int index) {
    var logits = new float[session.vocabSize()];
    session.logits(index, logits);
    return logits;
  }

  private static void compare(String what, float[] actual, float[] expected) {
    double difference = 0;
    double norm = 0;
    for (int i = 0; i < expected.length; i++) {
      difference += Math.pow((double) actual[i] - expected[i], 2);
      norm += Math.pow(expected[i], 2);
    }
    if (!(difference <= TOLERANCE * TOLERANCE * norm)) {
      throw new IllegalStateException(
          "Logits computed "
              + what
              + " differ from those of the whole prompt by "
              + Math.sqrt(difference / norm)
              + " of their norm, expected at most "
              + TOLERANCE
              + ". Nothing was timed.");
    }
  }

  /** Reads prompts, each into an empty sequence. */
  public Speed prompt() {
    int[] tokens = tokens(promptLength, 2);
    try (var session = InferenceSession.open(model, promptLength)) {
      return measure(
          "prompt",
          promptLength,
          () -> {
            int sequence = session.newSequence();
            long start = System.nanoTime();
            session.step(new int[] {sequence}, new int[][] {tokens});
            double seconds = (System.nanoTime() - start) / 1e9;
            session.release(sequence);
            return seconds;
          });
    }
  }

  /** Generates one sequence, after a few tokens. */
  public Speed decode() {
    return decode("decode", 1);
  }

  /** Generates several sequences side by side, after the same few tokens. */
  public Speed batch() {
    return decode("batch", sequences);
  }

  private Speed decode(String name, int count) {
    int start = Math.min(START, model.config().nPositions() - newTokens);
    int[] prompt = tokens(start, 3);
    int[] next = tokens(newTokens, 4);
    try (var session = InferenceSession.open(model, start + count * newTokens)) {
      int origin = session.newSequence();
      session.step(new int[] {origin}, new int[][] {prompt});
      return measure(
          name,
          count * newTokens,
          () -> {
            var several = new int[count];
            Arrays.setAll(several, i -> session.fork(origin));
            var step = new int[count][1];
            long begin = System.nanoTime();
            for (int token : next) {
              for (int i = 0; i < count; i++) {
                step[i][0] = (token + i) % model.config().vocabSize();
              }
              session.step(several, step);
            }
            double seconds = (System.nanoTime() - begin) / 1e9;
            Arrays.stream(several).forEach(session::release);
            return seconds;
          });
    }
  }

  private Speed measure(String name, int tokens, DoubleSupplier run) {
    var seconds = new ArrayList<Double>();
    double _ = run.getAsDouble(); // warms up
    for (int i = 0; i < runs; i++) {
      if (Thread.currentThread().isInterrupted()) {
        throw new CancellationException("Interrupted after " + i + " of " + runs + " runs");
      }
      seconds.add(run.getAsDouble());
    }
    return new Speed(name, tokens, seconds, model.device().freeMemory());
  }

  private int[] tokens(int count, long seed) {
    return new Random(seed).ints(count, 0, model.config().vocabSize()).toArray();
  }
}
