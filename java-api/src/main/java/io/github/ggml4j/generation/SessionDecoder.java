package io.github.ggml4j.generation;

import io.github.ggml4j.inference.InferenceSession;

/** A session as a decoder, so that tests can do without a model. */
record SessionDecoder(InferenceSession session) implements Decoder {
  @Override
  public int newSequence() {
    return session.newSequence();
  }

  @Override
  public int fork(int sequence) {
    return session.fork(sequence);
  }

  @Override
  public void release(int sequence) {
    session.release(sequence);
  }

  @Override
  public void reassign(int[] sequences, int[] parents) {
    session.reassign(sequences, parents);
  }

  @Override
  public void step(int[] sequences, int[][] tokens) {
    session.step(sequences, tokens);
  }

  @Override
  public void logits(int index, float[] out) {
    session.logits(index, out);
  }

  @Override
  public void close() {
    session.close();
  }
}
