package io.github.ggml4j.inference;

/**
 * Sequences of tokens that advance together and give logits. {@link InferenceSession} is the one
 * over a model; the generation loop works with any.
 */
public interface Decoder extends AutoCloseable {
  /** Adds an empty sequence; returns its id. */
  int newSequence();

  /** Adds a sequence with the tokens of another; returns its id. */
  int fork(int sequence);

  /** Removes a sequence. */
  void release(int sequence);

  /**
   * Gives sequences the tokens of others, all at once: {@code sequences[i]} becomes what {@code
   * parents[i]} was before the call. For beam search.
   */
  void reassign(int[] sequences, int[] parents);

  /**
   * Shortens a sequence.
   *
   * @param length number of tokens to keep
   */
  void truncate(int sequence, int length);

  /**
   * Appends tokens to sequences and computes the logits that follow the last token of each.
   *
   * @param sequences ids, all different
   * @param tokens at least one token for each of them
   */
  void step(int[] sequences, int[][] tokens);

  /** As {@link #step}, but computes the logits that follow each of the tokens. */
  void stepAll(int[] sequences, int[][] tokens);

  /**
   * Copies logits of the last step.
   *
   * @param index index of a sequence of the last {@link #step}, or of a token of the last {@link
   *     #stepAll}, counted over all sequences in their order
   * @param out receives {@code vocabSize} values
   */
  void logits(int index, float[] out);

  /** Releases the memory of all sequences. */
  @Override
  void close();
}
