package io.github.ggml4j.generation;

import io.github.ggml4j.inference.InferenceSession;
import io.github.ggml4j.model.Gpt2Model;
import io.github.ggml4j.tensor.OutOfDeviceMemoryException;
import io.github.ggml4j.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.List;
import java.util.Spliterator;
import java.util.Spliterators;
import java.util.function.Consumer;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/**
 * Generates token ids with a model. {@code TextGenerator} is this for text.
 *
 * <p>A prompt is computed once for all its sequences, equal prompts of a batch once in all; then
 * all sequences of all prompts advance together, one token each step, and those that end make room.
 *
 * <p>Thread-safe: every call works on its own.
 *
 * <p><b>Memory management.</b> Keeps the working memory of a finished call for the next one; {@link
 * #close} releases it. Does not own the model. Close it before the model, and open streams before
 * it.
 */
public final class Generator implements AutoCloseable {
  private final ModelLimits limits;
  private final Tokenizer tokenizer;
  private final DecoderPool decoders;
  private final MemoryCheck memory;

  /** Fails when some work does not fit into the device's memory. */
  @FunctionalInterface
  interface MemoryCheck {
    /**
     * Checks.
     *
     * @throws io.github.ggml4j.tensor.OutOfDeviceMemoryException when it does not fit
     */
    void check(int sequences, int promptLength, int length);
  }

  /**
   * A generator.
   *
   * @param tokenizer what gives tokens their text: for results, stop strings and bad words
   */
  public Generator(Gpt2Model model, Tokenizer tokenizer) {
    this(
        ModelLimits.of(model),
        tokenizer,
        new DecoderPool(tokens -> InferenceSession.open(model, tokens, "text generation")),
        // The CPU takes what the system gives; a GPU's memory is known.
        model.device().sharesHostMemory()
            ? (_, _, _) -> {}
            : (sequences, promptLength, length) ->
                InferenceSession.estimateMemory(model, sequences, promptLength, length).check());
  }

  Generator(ModelLimits limits, Tokenizer tokenizer, DecoderPool decoders) {
    this(limits, tokenizer, decoders, (_, _, _) -> {});
  }

  Generator(ModelLimits limits, Tokenizer tokenizer, DecoderPool decoders, MemoryCheck memory) {
    this.limits = limits;
    this.tokenizer = tokenizer;
    this.decoders = decoders;
    this.memory = memory;
  }

  /**
   * Generates for a batch of prompts.
   *
   * @param prompts token ids of any lengths
   * @return for every prompt its {@code numReturnSequences} sequences; their text is without the
   *     prompt
   * @throws IllegalArgumentException for a prompt or a value that this model cannot do, before
   *     anything is computed
   * @throws io.github.ggml4j.tensor.OutOfDeviceMemoryException when a GPU has not enough memory for
   *     it, before anything is computed as far as that can be known
   * @throws java.util.concurrent.CancellationException when the thread is interrupted; it stays
   *     interrupted
   */
  public List<List<GeneratedSequence>> generate(List<int[]> prompts, GenerationConfig config) {
    return generate(prompts, config, _ -> {});
  }

  /**
   * As {@link #generate(List, GenerationConfig)}, and tells a listener every token at once. An
   * exception that it throws ends the generation.
   *
   * @param listener called on this thread; never by beam search, whose past may change
   */
  public List<List<GeneratedSequence>> generate(
      List<int[]> prompts, GenerationConfig config, Consumer<? super GeneratedToken> listener) {
    if (prompts.isEmpty()) {
      return List.of();
    }
    try (var generation = start(prompts, config)) {
      while (generation.advance(listener)) {
        // Another token for all of them.
      }
      return generation.results();
    }
  }

  /**
   * Generates as the stream is read: a token is computed when it is asked for. Closing the stream
   * ends the work and releases its memory, as does reaching its end; use try-with-resources.
   * Interrupting the reading thread ends it with a {@link
   * java.util.concurrent.CancellationException}.
   *
   * @return tokens in the order of generation, those of several sequences in turns; not parallel
   * @throws IllegalArgumentException as {@link #generate(List, GenerationConfig)}, and for beam
   *     search, whose past may change
   */
  public Stream<GeneratedToken> stream(List<int[]> prompts, GenerationConfig config) {
    if (config.numBeams() > 1) {
      throw new IllegalArgumentException(
          "numBeams is "
              + config.numBeams()
              + ", expected 1 for a stream: beam search decides on tokens in the end. Use"
              + " generate.");
    }
    if (prompts.isEmpty()) {
      return Stream.empty();
    }
    var generation = start(prompts, config);
    return StreamSupport.stream(
            Spliterators.spliteratorUnknownSize(
                generation.iterator(), Spliterator.ORDERED | Spliterator.NONNULL),
            false)
        .onClose(generation::close);
  }

  private Generation start(List<int[]> prompts, GenerationConfig config) {
    var requests = new ArrayList<Request>();
    long tokens = 0;
    int all = 0;
    int longestPrompt = 0;
    int longest = 0;
    for (int[] prompt : prompts) {
      var request = Request.of(config, startOf(prompt, config), limits, tokenizer);
      requests.add(request);
      int sequences = request.sequences();
      int promptLength = request.prompt().length;
      tokens += promptLength + (long) sequences * (request.maxLength() - promptLength);
      all += sequences;
      longestPrompt = Math.max(longestPrompt, promptLength);
      longest = Math.max(longest, request.maxLength());
    }
    checkMemory(all, longestPrompt, longest);
    long seed = config.seed() == null ? GlobalSeed.next() : config.seed();
    int expected = (int) Math.min(tokens, Integer.MAX_VALUE);
    return new Generation(decoders, expected, requests, limits.vocabSize(), seed);
  }

  /** What is kept of an earlier call makes room for a larger one. */
  private void checkMemory(int sequences, int promptLength, int length) {
    try {
      memory.check(sequences, promptLength, length);
    } catch (OutOfDeviceMemoryException e) {
      decoders.releaseIdle();
      memory.check(sequences, promptLength, length);
    }
  }

  private int[] startOf(int[] prompt, GenerationConfig config) {
    Integer bos = limits.bosTokenId();
    return prompt.length == 0 && config.allowEmptyPrompt() && bos != null
        ? new int[] {bos}
        : prompt.clone();
  }

  /** Releases the memory kept for calls to come; calls under way go on. */
  @Override
  public void close() {
    decoders.close();
  }
}
