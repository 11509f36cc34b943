package io.github.ggml4j.generation;

import io.github.ggml4j.model.Gpt2Model;
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
  private final TokenText text;
  private final DecoderPool decoders;

  /**
   * A generator.
   *
   * @param tokenizer what gives tokens their text: for results, stop strings and bad words
   */
  public Generator(Gpt2Model model, Tokenizer tokenizer) {
    this(
        ModelLimits.of(model),
        new TokenizerText(tokenizer),
        new DecoderPool(tokens -> new SessionDecoder(model.newSession(tokens))));
  }

  Generator(ModelLimits limits, TokenText text, DecoderPool decoders) {
    this.limits = limits;
    this.text = text;
    this.decoders = decoders;
  }

  /**
   * Generates for a batch of prompts.
   *
   * @param prompts token ids of any lengths
   * @return for every prompt its {@code numReturnSequences} sequences; their text is without the
   *     prompt
   * @throws IllegalArgumentException for a prompt or a value that this model cannot do, before
   *     anything is computed
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
    var plans = new ArrayList<Plan>();
    long tokens = 0;
    for (int[] prompt : prompts) {
      var plan = Plan.of(config, startOf(prompt, config), limits, text);
      plans.add(plan);
      int sequences = config.numBeams() > 1 ? config.numBeams() : config.numReturnSequences();
      int promptLength = plan.prompt().length;
      tokens += promptLength + (long) sequences * (plan.maxLength() - promptLength);
    }
    long seed = config.seed() == null ? GlobalSeed.next() : config.seed();
    int expected = (int) Math.min(tokens, Integer.MAX_VALUE);
    return new Generation(decoders, expected, plans, limits.vocabSize(), seed);
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
