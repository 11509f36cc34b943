package io.github.ggml4j.generation;

/** Sequences over a model, as {@link io.github.ggml4j.inference.InferenceSession} has them. */
interface Decoder extends AutoCloseable {
  int newSequence();

  int fork(int sequence);

  void release(int sequence);

  void reassign(int[] sequences, int[] parents);

  void step(int[] sequences, int[][] tokens);

  void logits(int index, float[] out);

  @Override
  void close();
}
