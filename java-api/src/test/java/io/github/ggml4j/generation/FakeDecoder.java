package io.github.ggml4j.generation;

import io.github.ggml4j.inference.Decoder;
import io.github.ggml4j.internal.RandomStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * A model by table: the logits follow from the last three tokens, or are told in advance. Counts
 * what is asked of it and is strict about what may be asked.
 */
final class FakeDecoder implements Decoder {
  /** Logits for a history. */
  interface Table {
    float[] logits(int[] tokens);
  }

  final Map<Integer, int[]> sequences = new TreeMap<>();
  final List<Integer> stepSizes = new ArrayList<>();
  int promptTokens;
  int closed;
  private final Table table;
  private List<float[]> logits = List.of();
  private int next;

  FakeDecoder(Table table) {
    this.table = table;
  }

  /** Random logits that depend on the last three tokens. */
  static Table random(int vocabSize, long seed) {
    return tokens -> {
      long key = seed;
      for (int i = Math.max(0, tokens.length - 3); i < tokens.length; i++) {
        key = key * 1_000_003 + tokens[i] + 1;
      }
      var random = new RandomStream(key, 5);
      float[] logits = new float[vocabSize];
      for (int i = 0; i < vocabSize; i++) {
        logits[i] = (float) (6 * random.nextDouble());
      }
      return logits;
    };
  }

  @Override
  public int newSequence() {
    checkOpen();
    sequences.put(next, new int[0]);
    return next++;
  }

  @Override
  public int fork(int sequence) {
    sequences.put(next, tokens(sequence));
    return next++;
  }

  @Override
  public void release(int sequence) {
    tokens(sequence);
    sequences.remove(sequence);
  }

  @Override
  public void reassign(int[] children, int[] parents) {
    var before = new LinkedHashMap<>(sequences);
    for (int i = 0; i < children.length; i++) {
      tokens(children[i]);
      sequences.put(children[i], before.get(parents[i]));
    }
  }

  @Override
  public void truncate(int sequence, int length) {
    sequences.put(sequence, Arrays.copyOf(tokens(sequence), length));
  }

  @Override
  public void step(int[] ids, int[][] tokens) {
    compute(ids, tokens, false);
  }

  @Override
  public void stepAll(int[] ids, int[][] tokens) {
    compute(ids, tokens, true);
  }

  private void compute(int[] ids, int[][] tokens, boolean all) {
    checkOpen();
    if (ids.length == 0 || ids.length != tokens.length) {
      throw new IllegalArgumentException(ids.length + " sequences, " + tokens.length + " tokens");
    }
    stepSizes.add(ids.length);
    logits = new ArrayList<>();
    for (int i = 0; i < ids.length; i++) {
      int[] before = tokens(ids[i]);
      int[] after = Arrays.copyOf(before, before.length + tokens[i].length);
      System.arraycopy(tokens[i], 0, after, before.length, tokens[i].length);
      promptTokens += tokens[i].length > 1 ? tokens[i].length : 0;
      sequences.put(ids[i], after);
      int last = after.length;
      for (int n = all ? before.length + 1 : last; n <= last; n++) {
        logits.add(table.logits(Arrays.copyOf(after, n)));
      }
    }
  }

  @Override
  public void logits(int index, float[] out) {
    checkOpen();
    System.arraycopy(logits.get(index), 0, out, 0, out.length);
  }

  private int[] tokens(int sequence) {
    checkOpen();
    int[] tokens = sequences.get(sequence);
    if (tokens == null) {
      throw new IllegalArgumentException("No sequence " + sequence);
    }
    return tokens;
  }

  private void checkOpen() {
    if (closed > 0) {
      throw new IllegalStateException("Already closed: fake");
    }
  }

  @Override
  public void close() {
    closed++;
  }
}
