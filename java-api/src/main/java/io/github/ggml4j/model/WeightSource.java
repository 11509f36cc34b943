package io.github.ggml4j.model;

import java.lang.foreign.MemorySegment;
import java.util.Set;

/**
 * A source of weights by name, such as a file.
 *
 * <p>Names are canonical: Hugging Face's without {@code transformer.}, which are {@code wte.weight}
 * (V, C), {@code wpe.weight} (P, C), for each block {@code h.{i}.} with {@code ln_1}, {@code
 * attn.c_attn}, {@code attn.c_proj}, {@code ln_2}, {@code mlp.c_fc} and {@code mlp.c_proj}, each
 * with {@code .weight} and {@code .bias}, then {@code ln_f.weight}, {@code ln_f.bias}, and {@code
 * lm_head.weight} (V, C) where the output is not tied to {@code wte}.
 *
 * <p>Memory management: the source owns what {@link #data} returns; it is valid until {@link
 * #close()}.
 */
public interface WeightSource extends AutoCloseable {
  /** The names of all weights, in the order of the model. */
  Set<String> names();

  /**
   * Type, shape and layout of a weight.
   *
   * @throws IllegalArgumentException when there is no such weight
   */
  WeightInfo info(String name);

  /**
   * The bytes of a weight, read-only, exactly as many as {@link WeightInfo#byteSize()}.
   *
   * @throws IllegalArgumentException when there is no such weight
   * @throws IllegalStateException after {@link #close()}
   */
  MemorySegment data(String name);

  /** Releases the weights; further calls have no effect. */
  @Override
  void close();
}
