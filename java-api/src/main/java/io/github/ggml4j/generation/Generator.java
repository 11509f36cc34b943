package io.github.ggml4j.generation;

import io.github.ggml4j.error.InvalidArgumentException;
import io.github.ggml4j.inference.InferenceSession;
import io.github.ggml4j.internal.GlobalSeed;
import io.github.ggml4j.model.Gpt2Model;
import io.github.ggml4j.tensor.OutOfDeviceMemoryException;
import io.github.ggml4j.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.Spliterator;
import java.util.Spliterators;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/**
 * Generates token ids with a model; {@code TextGenerator} generates text.
 *
 * <p>A prompt is computed once for all its sequences, and equal prompts of a batch are computed
 * once. Then all sequences of all prompts advance together by one token per step; a finished
 * sequence is left out of the next step.
 *
 * <p>Thread-safe: calls do not affect each other.
 *
 * <p><b>Memory management.</b> Keeps the working memory of a finished call for the next one; {@link
 * #close} releases it. Does not own the model. Close streams first, then the generator, then the
 * model.
 */
public final class Generator implements AutoCloseable {
  /** On the CPU, calls whose cached keys and values are smaller than this are not estimated. */
  private static final long MIN_ESTIMATED_BYTES = 64L << 20;

  private final ModelLimits limits;
  private final Tokenizer tokenizer;
  private final SpareDecoder decoders;
  private final MemoryCheck memory;

  /** Running calls and open streams; also the lock of {@link #closed}. */
  private final Set<Generation> running = new HashSet<>();

  private boolean closed;

  /** Checks that a generation fits into the device's memory. */
  @FunctionalInterface
  interface MemoryCheck {
    /**
     * Checks.
     *
     * @param promptLengths tokens of each prompt
     * @param lengths tokens of its texts at the end
     * @param sequences number of texts from each prompt
     * @throws io.github.ggml4j.tensor.OutOfDeviceMemoryException if it does not fit
     */
    void check(int[] promptLengths, int[] lengths, int sequences);
  }

  /**
   * A generator.
   *
   * @param tokenizer the model's tokenizer; decodes results and encodes stop strings and bad words
   */
  public Generator(Gpt2Model model, Tokenizer tokenizer) {
    this(
        ModelLimits.of(model),
        tokenizer,
        new SpareDecoder(
            (tokens, adapter) -> InferenceSession.open(model, tokens, "text generation", adapter)),
        (promptLengths, lengths, sequences) -> {
          if (isEstimated(model, promptLengths, lengths, sequences)) {
            InferenceSession.estimateMemory(model, promptLengths, lengths, sequences).check();
          }
        });
  }

  /**
   * Whether memory is estimated before a call. The estimate takes some milliseconds, so it is
   * skipped on the CPU if the call needs little memory. Each large allocation of the CPU is checked
   * in any case when it is made.
   */
  private static boolean isEstimated(
      Gpt2Model model, int[] promptLengths, int[] lengths, int sequences) {
    var config = model.config();
    long tokens = 0;
    for (int i = 0; i < lengths.length; i++) {
      tokens += promptLengths[i] + (long) sequences * (lengths[i] - promptLengths[i]);
    }
    long cacheBytes = 2L * config.nLayer() * config.nEmbd() * Float.BYTES * tokens;
    return !model.device().sharesHostMemory() || cacheBytes >= MIN_ESTIMATED_BYTES;
  }

  Generator(ModelLimits limits, Tokenizer tokenizer, SpareDecoder decoders) {
    this(limits, tokenizer, decoders, (_, _, _) -> {});
  }

  Generator(ModelLimits limits, Tokenizer tokenizer, SpareDecoder decoders, MemoryCheck memory) {
    this.limits = limits;
    this.tokenizer = tokenizer;
    this.decoders = decoders;
    this.memory = memory;
  }

  /**
   * Generates for a batch of prompts.
   *
   * @param prompts token ids of any lengths
   * @return the {@code numReturnSequences} sequences of each prompt; their text does not include
   *     the prompt
   * @throws IllegalArgumentException if a prompt or an option does not fit the model, before
   *     anything is computed
   * @throws io.github.ggml4j.tensor.OutOfDeviceMemoryException if the device does not have enough
   *     memory; usually before anything is computed
   * @throws java.util.concurrent.CancellationException if the thread is interrupted, in which case
   *     it stays interrupted, or after {@link #closeNow}
   */
  public List<List<GeneratedSequence>> generate(List<int[]> prompts, GenerationConfig config) {
    return generate(prompts, config, _ -> {});
  }

  /**
   * As {@link #generate(List, GenerationConfig)}, and passes each token to a listener when it is
   * chosen. An exception of the listener ends the generation.
   *
   * @param listener called on the calling thread; not called by beam search, which decides on its
   *     tokens at the end
   */
  public List<List<GeneratedSequence>> generate(
      List<int[]> prompts, GenerationConfig config, Consumer<? super GeneratedToken> listener) {
    if (prompts.isEmpty()) {
      return List.of();
    }
    try (var generation = start(prompts, config)) {
      boolean more = true;
      while (more) {
        more = generation.advance(listener);
      }
      return generation.results();
    }
  }

  /**
   * Returns a stream that computes a token when it is read. The generation ends and its memory is
   * released when the stream is closed or read to its end; use try-with-resources. If the reading
   * thread is interrupted, reading throws a {@link java.util.concurrent.CancellationException}.
   *
   * @return a sequential stream of tokens in the order of generation, alternating between sequences
   * @throws IllegalArgumentException as {@link #generate(List, GenerationConfig)}, and for beam
   *     search, which decides on its tokens at the end
   */
  public Stream<GeneratedToken> stream(List<int[]> prompts, GenerationConfig config) {
    if (config.numBeams() > 1) {
      throw new InvalidArgumentException(
          "numBeams",
          config.numBeams(),
          "1 for a stream",
          "Beam search decides on its tokens at the end; use generate.");
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
    var promptLengths = IntStream.builder();
    var lengths = IntStream.builder();
    long tokens = 0;
    for (int[] prompt : prompts) {
      var request = Request.of(config, startOf(prompt, config), limits, tokenizer);
      requests.add(request);
      int promptLength = request.prompt().length;
      int newTokens = request.maxLength() - promptLength;
      promptLengths.add(promptLength);
      lengths.add(request.maxLength());
      tokens += promptLength + (long) request.sequences() * newTokens;
      int[] negative = request.negativePrompt();
      if (negative != null) {
        // Guidance adds a sequence that starts from the negative prompt to each. Its last token is
        // not computed.
        promptLengths.add(negative.length);
        lengths.add(negative.length + newTokens - 1);
        tokens += negative.length + (long) request.sequences() * newTokens;
      }
    }
    int sequences = requests.getFirst().sequences(); // the same for all: they share the options
    checkMemory(promptLengths.build().toArray(), lengths.build().toArray(), sequences);
    long seed = config.seed() == null ? GlobalSeed.next() : config.seed();
    int expected = (int) Math.min(tokens, Integer.MAX_VALUE);
    synchronized (running) {
      if (closed) {
        throw new IllegalStateException("Already closed: generator");
      }
      var generation =
          new Generation(
              decoders,
              expected,
              config.adapter(),
              requests,
              limits.vocabSize(),
              seed,
              this::ended);
      running.add(generation);
      return generation;
    }
  }

  private void ended(Generation generation) {
    synchronized (running) {
      running.remove(generation);
    }
  }

  /**
   * Checks the memory; if there is not enough, releases that of an earlier call and checks again.
   */
  private void checkMemory(int[] promptLengths, int[] lengths, int sequences) {
    try {
      memory.check(promptLengths, lengths, sequences);
    } catch (OutOfDeviceMemoryException e) {
      decoders.releaseSpare();
      memory.check(promptLengths, lengths, sequences);
    }
  }

  private int[] startOf(int[] prompt, GenerationConfig config) {
    Integer bos = limits.bosTokenId();
    return prompt.length == 0 && config.allowEmptyPrompt() && bos != null
        ? new int[] {bos}
        : prompt.clone();
  }

  /**
   * Closes this generator and releases the memory that is kept for the next call.
   *
   * @throws IllegalStateException if calls or streams are running; nothing is closed then
   */
  @Override
  public void close() {
    synchronized (running) {
      if (!running.isEmpty()) {
        throw new IllegalStateException(
            "The generator is in use by "
                + running.size()
                + (running.size() == 1 ? " generation" : " generations")
                + " (running calls or open streams). Wait for the calls and close the streams, or"
                + " cancel them with closeNow().");
      }
      closed = true;
    }
    decoders.close();
  }

  /**
   * Cancels running calls and open streams, waits for their current steps, and closes this
   * generator. Cancelled calls and readers of streams get a {@link
   * java.util.concurrent.CancellationException}.
   */
  public void closeNow() {
    List<Generation> cancelled;
    synchronized (running) {
      closed = true;
      cancelled = List.copyOf(running);
    }
    cancelled.forEach(Generation::cancel);
    decoders.close();
  }
}
