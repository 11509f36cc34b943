package io.github.ggml4j.benchmarks.jmh;

import io.github.ggml4j.inference.InferenceSession;
import io.github.ggml4j.model.Gpt2Model;
import java.util.Arrays;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.TearDown;

/**
 * What decoding costs apart from arithmetic: the model has 1 block of 8 channels and 256 tokens on
 * one thread, so its graph runs for a few microseconds.
 */
public class DecodeBenchmark extends MicroBenchmark {
  private static final int[] PROMPT = {1, 2, 3, 4, 5, 6, 7, 8};
  private static final int VOCAB_SIZE = 256;

  private final Gpt2Model model = TinyModels.create(1, 8, VOCAB_SIZE, 1024);
  private final Gpt2Model deep = TinyModels.create(12, 8, VOCAB_SIZE, 1024);
  private final InferenceSession session = InferenceSession.open(model, 2048);
  private final float[] logits = new float[VOCAB_SIZE];
  private int prompt;
  private int next;

  /** Decodes the prompt token by token and compares the logits with those of one graph. */
  @Setup
  public void setUp() {
    prompt = session.newSequence();
    for (int token : PROMPT) {
      session.step(new int[] {prompt}, new int[][] {{token}});
    }
    session.logits(0, logits);
    var expected = InferenceSession.logits(model, PROMPT)[PROMPT.length - 1];
    for (int i = 0; i < VOCAB_SIZE; i++) {
      check(
          Math.abs(logits[i] - expected[i]) < 1e-5,
          "logit %d is %g, expected %g".formatted(i, logits[i], expected[i]));
    }
    check(Arrays.equals(buildAndCompute(), buildAndCompute()), "two runs differ");
  }

  /** Closes what holds native memory. */
  @TearDown
  public void tearDown() {
    session.close();
    model.close();
    deep.close();
  }

  /** One token after a shared prompt: fork, step, copy of the logits, release. */
  @Benchmark
  public float decodeStep() {
    int sequence = session.fork(prompt);
    next = (next + 1) % VOCAB_SIZE;
    session.step(new int[] {sequence}, new int[][] {{next}});
    session.logits(0, logits);
    session.release(sequence);
    return logits[0];
  }

  /** A session for 12 blocks from nothing: cache, graph of one token, its first run. */
  @Benchmark
  public float[] buildAndCompute() {
    try (var fresh = InferenceSession.open(deep, 16)) {
      fresh.step(new int[] {fresh.newSequence()}, new int[][] {{1}});
      var result = new float[VOCAB_SIZE];
      fresh.logits(0, result);
      return result;
    }
  }
}
