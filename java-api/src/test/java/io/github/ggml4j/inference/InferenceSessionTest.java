package io.github.ggml4j.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.ggml4j.model.Gpt2Config;
import io.github.ggml4j.model.Gpt2Model;
import io.github.ggml4j.testing.TestDevice;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/** Sequences, forks and beams in one cache; invalid input; concurrent use. */
@Tag(TestDevice.TAG)
@ParameterizedClass
@MethodSource("devices")
class InferenceSessionTest {
  private static final Gpt2Config CONFIG =
      Gpt2Config.builder().vocabSize(211).nPositions(700).nEmbd(48).nLayer(2).nHead(3).build();

  @SuppressWarnings("NullAway.Init")
  private static Gpt2Model model;

  private static double tolerance;

  static List<TestDevice> devices() {
    return TestDevice.all();
  }

  @BeforeParameterizedClassInvocation
  static void load(TestDevice device) {
    model = Gpt2Model.random(CONFIG, device.open(2), 5);
    tolerance = device.arithmetic().values(2e-5);
  }

  @AfterParameterizedClassInvocation
  static void close() {
    model.close();
  }

  private final TestDevice device;

  InferenceSessionTest(TestDevice device) {
    this.device = device;
  }

  private static int[] tokens(long seed, int n) {
    return new Random(seed).ints(n, 0, CONFIG.vocabSize()).toArray();
  }

  private static float[] last(InferenceSession session, int index) {
    var out = new float[CONFIG.vocabSize()];
    session.logits(index, out);
    return out;
  }

  private static void assertNear(float[] actual, float[] expected) {
    for (int i = 0; i < expected.length; i++) {
      assertThat((double) actual[i])
          .isCloseTo(expected[i], org.assertj.core.data.Offset.offset(tolerance));
    }
  }

  @Test
  void longPromptsAreComputedInChunks() {
    var prompt = tokens(1, 690);
    try (var session = InferenceSession.open(model)) {
      int whole = session.newSequence();
      session.step(new int[] {whole}, new int[][] {prompt});
      var expected = last(session, 0);
      int pieces = session.newSequence();
      for (int at = 0; at < prompt.length; at += 115) {
        session.step(
            new int[] {pieces}, new int[][] {java.util.Arrays.copyOfRange(prompt, at, at + 115)});
      }
      assertNear(last(session, 0), expected);
      assertThat(session.length(whole)).isEqualTo(690);
    }
  }

  @Test
  void truncatedSequencesContinueLikeNewOnes() {
    try (var session = InferenceSession.open(model)) {
      var prompt = tokens(3, 9);
      int a = session.newSequence();
      session.step(new int[] {a}, new int[][] {prompt});
      int b = session.fork(a);
      // The sequence keeps the first token; the others are a proposal that is discarded.
      session.stepAll(new int[] {a, b}, new int[][] {{1, 2, 3}, {4}});
      assertNear(last(session, 1), InferenceSession.logits(model, with(prompt, 1, 2))[10]);
      assertNear(last(session, 3), InferenceSession.logits(model, with(prompt, 4))[9]);
      session.truncate(a, 10);
      assertThat(session.length(a)).isEqualTo(10);
      session.step(new int[] {a, b}, new int[][] {{5}, {6}});
      assertNear(last(session, 0), InferenceSession.logits(model, with(prompt, 1, 5))[10]);
      assertNear(last(session, 1), InferenceSession.logits(model, with(prompt, 4, 6))[10]);
      session.truncate(a, 4); // into what it shares with b
      session.step(new int[] {a, b}, new int[][] {{7}, {8}});
      var beginning = java.util.Arrays.copyOf(prompt, 4);
      assertNear(last(session, 0), InferenceSession.logits(model, with(beginning, 7))[4]);
      assertNear(last(session, 1), InferenceSession.logits(model, with(prompt, 4, 6, 8))[11]);
      assertThatThrownBy(() -> session.truncate(a, 6))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("length is 6, expected 0 to 5");
    }
  }

  private static int[] with(int[] tokens, int... more) {
    var result = java.util.Arrays.copyOf(tokens, tokens.length + more.length);
    System.arraycopy(more, 0, result, tokens.length, more.length);
    return result;
  }

  @Test
  void forksAndBeamsEqualSeparateSequences() {
    try (var session = InferenceSession.open(model)) {
      var prompt = tokens(2, 9);
      int a = session.newSequence();
      session.step(new int[] {a}, new int[][] {prompt});
      int b = session.fork(a);
      int c = session.fork(a);
      session.step(new int[] {a, b, c}, new int[][] {{1}, {2}, {3}});
      // a continues c, b continues a, c continues a: all at once
      session.reassign(new int[] {a, b, c}, new int[] {c, a, a});
      session.step(new int[] {a, b, c}, new int[][] {{4}, {5}, {6}});
      int[][] histories = {{3, 4}, {1, 5}, {1, 6}};
      for (int i = 0; i < 3; i++) {
        var history = java.util.Arrays.copyOf(prompt, 11);
        history[9] = histories[i][0];
        history[10] = histories[i][1];
        assertNear(last(session, i), InferenceSession.logits(model, history)[10]);
      }
      session.release(a);
      session.step(new int[] {c, b}, new int[][] {{7}, {8}});
      var history = java.util.Arrays.copyOf(prompt, 12);
      history[9] = 1;
      history[10] = 6;
      history[11] = 7;
      assertNear(last(session, 0), InferenceSession.logits(model, history)[11]);
    }
  }

  @Test
  void growingTheCacheChangesNoLogits() {
    try (var session = InferenceSession.open(model)) {
      var sequences = new ArrayList<Integer>();
      for (int i = 0;
          i < 20;
          i++) { // more sequences than the first table, more rows than the first pool
        int sequence = session.newSequence();
        sequences.add(sequence);
        session.step(new int[] {sequence}, new int[][] {tokens(i, 60)});
      }
      int first = sequences.getFirst();
      session.step(new int[] {first}, new int[][] {{9}});
      var history = java.util.Arrays.copyOf(tokens(0, 60), 61);
      history[60] = 9;
      assertNear(last(session, 0), InferenceSession.logits(model, history)[60]);
    }
  }

  /** The cache has many times the rows of one sequence, so stock devices gather the rows. */
  @Test
  void manySequencesReadTheirOwnRows() {
    try (var session = InferenceSession.open(model)) {
      var sequences = new int[6];
      var histories = new int[6][];
      var next = new int[6][];
      for (int i = 0; i < 6; i++) {
        histories[i] = tokens(i, 122 - 7 * i);
        sequences[i] = i == 5 ? session.fork(sequences[0]) : session.newSequence();
        if (i == 5) {
          histories[i] = histories[0];
        } else {
          session.step(new int[] {sequences[i]}, new int[][] {histories[i]});
        }
        next[i] = new int[] {i};
      }
      for (int step = 0; step < 3; step++) {
        session.step(sequences, next);
      }
      for (int i = 0; i < 6; i++) {
        int length = histories[i].length;
        var whole = java.util.Arrays.copyOf(histories[i], length + 3);
        java.util.Arrays.fill(whole, length, length + 3, i);
        assertNear(last(session, i), InferenceSession.logits(model, whole)[length + 2]);
      }
    }
  }

  @Test
  void invalidInputIsAnErrorAndChangesNothing() {
    try (var session = InferenceSession.open(model)) {
      int s = session.newSequence();
      var one = new int[] {s};
      assertThatThrownBy(() -> session.step(one, new int[][] {{}}))
          .hasMessageContaining("tokens[0] is empty");
      assertThatThrownBy(() -> session.step(one, new int[][] {{0, 211}}))
          .hasMessageContaining("Token 1 is 211")
          .hasMessageContaining("0 to 210");
      assertThatThrownBy(() -> session.step(one, new int[][] {{-1}})).hasMessageContaining("-1");
      assertThatThrownBy(() -> session.step(one, new int[][] {new int[701]}))
          .hasMessageContaining("701")
          .hasMessageContaining("n_positions = 700");
      assertThatThrownBy(() -> session.step(new int[] {s, s}, new int[][] {{1}, {1}}))
          .hasMessageContaining("at most once");
      assertThatThrownBy(() -> session.step(new int[] {99}, new int[][] {{1}}))
          .hasMessageContaining("no sequence 99");
      assertThatThrownBy(() -> session.step(new int[0], new int[0][]))
          .isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> session.logits(0, new float[211]))
          .isInstanceOf(IndexOutOfBoundsException.class);
      assertThat(session.length(s)).isZero();
      session.step(one, new int[][] {{5}});
      assertThatThrownBy(() -> session.logits(0, new float[3])).hasMessageContaining("211");
      session.release(s);
      assertThatThrownBy(() -> session.length(s)).hasMessageContaining("already released");
    }
  }

  @Test
  void useAfterCloseIsAnError() {
    var other = Gpt2Model.random(CONFIG, device.open(), 1);
    var session = InferenceSession.open(other);
    assertThatThrownBy(other::close).hasMessageContaining("in use by 1 inference session");
    session.close();
    session.close();
    assertThatThrownBy(session::newSequence).hasMessage("Already closed: session");
    other.close();
    other.close();
    assertThatThrownBy(() -> InferenceSession.logits(other, 1))
        .hasMessageContaining("Already closed");
    assertThatThrownBy(other::summary).hasMessageContaining("Already closed");
  }

  @Test
  void reassigningToAShorterSequenceUploadsNewRows() {
    try (var session = InferenceSession.open(model)) {
      int a = session.newSequence();
      session.step(new int[] {a}, new int[][] {tokens(4, 9)});
      int b = session.fork(a);
      session.step(new int[] {b}, new int[][] {{1}});
      int other = session.newSequence();
      session.step(new int[] {other}, new int[][] {tokens(6, 4)});
      session.release(a);
      int empty =
          session.newSequence(); // uses the slot of a, whose row numbers are still in the table
      session.reassign(new int[] {b}, new int[] {empty});
      assertThat(session.length(b)).isZero();
      session.step(new int[] {other}, new int[][] {tokens(7, 3)});
      session.step(new int[] {b}, new int[][] {tokens(5, 6)});
      assertNear(last(session, 0), InferenceSession.logits(model, tokens(5, 6))[5]);
    }
  }

  @Test
  void closingASessionWaitsForItsStep() throws Exception {
    try (var threads = Executors.newFixedThreadPool(1)) {
      for (int round = 0; round < 20; round++) {
        var session = InferenceSession.open(model);
        var running =
            threads.submit(() -> {
              try {
                while (true) {
                  int s = session.newSequence();
                  session.step(new int[] {s}, new int[][] {tokens(1, 300)});
                  session.step(new int[] {s}, new int[][] {{1}});
                  session.release(s);
                }
              } catch (IllegalStateException e) {
                return e;
              }
            });
        Thread.sleep(round % 5);
        session.close();
        assertThat(running.get()).hasMessage("Already closed: session");
      }
    }
  }

  @Test
  void mappedWeightsAreReadOnly() {
    var tensors = model.tensors();
    assertThatThrownBy(() -> tensors.remove("wte.weight"))
        .isInstanceOf(UnsupportedOperationException.class);
  }

  @Test
  void sessionsOfManyThreadsAreIndependent() throws Exception {
    try (var pool = Executors.newFixedThreadPool(6)) {
      var futures = new ArrayList<Future<float[]>>();
      for (int i = 0; i < 12; i++) {
        var prompt = tokens(i, 20);
        futures.add(
            pool.submit(() -> {
              try (var session = InferenceSession.open(model)) {
                int s = session.newSequence();
                for (int token : prompt) {
                  session.step(new int[] {s}, new int[][] {{token}});
                }
                return last(session, 0);
              }
            }));
      }
      for (int i = 0; i < 12; i++) {
        assertNear(futures.get(i).get(), InferenceSession.logits(model, tokens(i, 20))[19]);
      }
    }
  }

  @Test
  void openSessionsUseTrainableWeights() {
    try (var other = Gpt2Model.random(CONFIG, device.open(), 8);
        var session = InferenceSession.open(other)) {
      int s = session.newSequence();
      session.step(new int[] {s}, new int[][] {tokens(3, 5)});
      var flat = other.trainableWeights();
      session.step(new int[] {s}, new int[][] {{1}});
      var before = last(session, 0);
      int again = session.newSequence();
      var values = flat.toFloats();
      for (int i = 0; i < values.length; i++) {
        values[i] *= 1.5f;
      }
      flat.setFloats(values);
      session.step(new int[] {again}, new int[][] {{1}});
      assertThat(last(session, 0)).isNotEqualTo(before);
    }
  }
}
