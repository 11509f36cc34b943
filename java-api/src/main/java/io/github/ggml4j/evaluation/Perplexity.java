package io.github.ggml4j.evaluation;

import io.github.ggml4j.error.InvalidArgumentException;
import io.github.ggml4j.inference.ScoringSession;
import io.github.ggml4j.internal.Check;
import io.github.ggml4j.model.Gpt2Model;
import io.github.ggml4j.tokenizer.EncodeOptions;
import io.github.ggml4j.tokenizer.Tokenizer;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.function.Consumer;

/**
 * The perplexity of a text under a model, in either of two ways that others compute too:
 *
 * <ul>
 *   <li>{@link #strided}, as in https://huggingface.co/docs/transformers/perplexity: windows that
 *       overlap, so that every token has at least {@code context - stride} tokens before it once
 *       the text has as many;
 *   <li>{@link #chunked}, as llama-perplexity: windows one behind the other, of which the second
 *       half is scored.
 * </ul>
 *
 * <pre>{@code
 * var result = Perplexity.of(model, tokenizer).context(1024).stride(512).evaluate(text);
 * }</pre>
 *
 * <p>Immutable; each setting gives a new object. {@link #evaluate} may run on several threads at
 * once. An interrupt ends it with a {@link CancellationException} after the running batch.
 */
public final class Perplexity {
  /** How a text is divided into windows. */
  public enum Method {
    /** Overlapping windows, as in Hugging Face's guide. */
    STRIDED,
    /** Adjacent windows of which the second half is scored, as in llama-perplexity. */
    CHUNKED
  }

  /** Default of llama-perplexity. */
  private static final int CHUNKED_CONTEXT = 512;

  /**
   * Number of tokens in one graph. The matrix products are not faster with more, but memory grows.
   */
  static final int BATCH_TOKENS = 2048;

  private final Gpt2Model model;
  private final Tokenizer tokenizer;
  private final Settings settings;

  private record Settings(
      Method method,
      int context,
      int stride,
      int maxWindows,
      Consumer<EvaluationProgress> progress) {}

  private Perplexity(Gpt2Model model, Tokenizer tokenizer, Settings settings) {
    this.model = model;
    this.tokenizer = tokenizer;
    this.settings = settings;
  }

  /** Strided, with {@code nPositions} as context and half of it as stride. */
  public static Perplexity of(Gpt2Model model, Tokenizer tokenizer) {
    return new Perplexity(
        model, tokenizer, new Settings(Method.STRIDED, 0, 0, Integer.MAX_VALUE, progress -> {}));
  }

  /** Uses overlapping windows, as Hugging Face's guide does. */
  public Perplexity strided() {
    return with(Method.STRIDED, settings.context(), settings.stride(), settings.maxWindows());
  }

  /** Uses adjacent windows, as llama-perplexity does. */
  public Perplexity chunked() {
    return with(Method.CHUNKED, settings.context(), settings.stride(), settings.maxWindows());
  }

  /**
   * Sets the length of a window. Default: {@code nPositions} when strided, the smaller of that and
   * 512 when chunked.
   *
   * @param tokens 2 to {@code nPositions}; at least 4 for {@link #chunked}
   * @throws InvalidArgumentException if {@code tokens} is out of range
   */
  public Perplexity context(int tokens) {
    int positions = model.config().nPositions();
    if (tokens < 2 || tokens > positions) {
      throw new InvalidArgumentException("context", tokens, "2 to n_positions = " + positions);
    }
    return with(settings.method(), tokens, settings.stride(), settings.maxWindows());
  }

  /**
   * Sets the distance from one window to the next when strided. Default: half of the context.
   *
   * @param tokens 1 to {@code context}; with a smaller stride each token has more context, and the
   *     evaluation takes longer
   * @throws InvalidArgumentException if {@code tokens} is less than 1
   */
  public Perplexity stride(int tokens) {
    Check.atLeast("stride", tokens, 1);
    return with(settings.method(), settings.context(), tokens, settings.maxWindows());
  }

  /**
   * Evaluates only the first windows of a text.
   *
   * @param count number of windows, at least 1
   * @throws InvalidArgumentException if {@code count} is less than 1
   */
  public Perplexity maxWindows(int count) {
    Check.atLeast("maxWindows", count, 1);
    return with(settings.method(), settings.context(), settings.stride(), count);
  }

  /** Sets a listener that is called after each batch of windows, on the evaluating thread. */
  public Perplexity progress(Consumer<EvaluationProgress> listener) {
    return new Perplexity(
        model,
        tokenizer,
        new Settings(
            settings.method(),
            settings.context(),
            settings.stride(),
            settings.maxWindows(),
            listener));
  }

  private Perplexity with(Method method, int context, int stride, int maxWindows) {
    return new Perplexity(
        model, tokenizer, new Settings(method, context, stride, maxWindows, settings.progress()));
  }

  /**
   * Evaluates a text. Special tokens in the text become their ids when strided, as in Hugging
   * Face's tokenizers, and are ordinary text when chunked, as in llama-perplexity.
   *
   * @throws InvalidArgumentException if the text is too short to score any token
   * @throws CancellationException if the thread is interrupted
   */
  public PerplexityResult evaluate(String text) {
    return evaluate(encode(tokenizer, text, settings.method()));
  }

  static int[] encode(Tokenizer tokenizer, String text, Method method) {
    var options = EncodeOptions.defaults().withParseSpecialTokens(method == Method.STRIDED);
    return tokenizer.encode(text, options).ids();
  }

  /** Evaluates a text given as token ids; see {@link #evaluate(String)}. */
  public PerplexityResult evaluate(int... tokens) {
    long start = System.nanoTime();
    int context = usedContext();
    int stride = settings.method() == Method.CHUNKED ? context : strideWithin(context);
    var windows = windows(tokens, context, stride);
    var losses = new Moments();
    double weighted = 0;
    long weights = 0;
    int done = 0;
    try (var session = ScoringSession.open(model)) {
      for (var batch : Window.batches(windows, BATCH_TOKENS)) {
        checkInterrupt(done, windows.size());
        session.read(Window.tokens(batch), batch.getFirst().first());
        var values = session.losses();
        int at = 0;
        for (var window : batch) {
          double sum = 0;
          for (int i = 0; i < window.scored(); i++) {
            losses.add(values[at]);
            sum += values[at++];
          }
          weighted += sum / window.scored() * window.weight();
          weights += window.weight();
        }
        done += batch.size();
        double soFar = Math.exp(weighted / weights);
        settings.progress().accept(new EvaluationProgress(done, windows.size(), weights, soFar));
      }
    }
    double nll = weighted / weights;
    return new PerplexityResult(
        Math.exp(nll),
        nll,
        Math.exp(nll) * losses.standardError(),
        weights,
        windows.size(),
        settings.method(),
        context,
        stride,
        Duration.ofNanos(System.nanoTime() - start));
  }

  static void checkInterrupt(int done, int total) {
    if (Thread.currentThread().isInterrupted()) {
      throw new CancellationException("Interrupted after " + done + " of " + total + " windows");
    }
  }

  private int usedContext() {
    if (settings.context() > 0) {
      return settings.context();
    }
    int longest = model.config().nPositions();
    return settings.method() == Method.CHUNKED ? Math.min(CHUNKED_CONTEXT, longest) : longest;
  }

  private int strideWithin(int context) {
    int stride = settings.stride() > 0 ? settings.stride() : Math.max(1, context / 2);
    if (stride > context) {
      throw new InvalidArgumentException(
          "stride",
          stride,
          "at most {context} = " + context,
          "A larger stride would leave out tokens between the windows.");
    }
    return stride;
  }

  private List<Window> windows(int[] tokens, int context, int stride) {
    List<Window> windows;
    if (settings.method() == Method.CHUNKED) {
      windows = chunks(tokenizer, tokens, context);
    } else {
      windows = Window.strided(tokens, context, stride);
      if (windows.isEmpty()) {
        throw new InvalidArgumentException(
            "text", tokens.length + " tokens long", "at least 2 tokens");
      }
    }
    return windows.subList(0, Math.min(windows.size(), settings.maxWindows()));
  }

  static List<Window> chunks(Tokenizer tokenizer, int[] tokens, int context) {
    if (context < 4) {
      throw new InvalidArgumentException("context", context, "at least 4 for chunked windows");
    }
    if (tokens.length < 2L * context) {
      throw new InvalidArgumentException(
          "text",
          tokens.length + " tokens long",
          "at least 2 * " + context + " tokens for chunked windows",
          "Use a longer text or a smaller {context}.");
    }
    return Window.chunked(tokens, context, bos(tokenizer));
  }

  /** The token that the tokenizer adds before each text; negative if it adds none, as GPT-2's. */
  private static int bos(Tokenizer tokenizer) {
    var empty = tokenizer.encode("", EncodeOptions.defaults()).ids();
    return empty.length > 0 && empty[0] == tokenizer.bosTokenId() ? empty[0] : -1;
  }
}
