package io.github.ggml4j.evaluation;

import io.github.ggml4j.inference.ScoringSession;
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
  /** How windows are laid over a text. */
  public enum Method {
    /** Overlapping, as Hugging Face's guide. */
    STRIDED,
    /** One behind the other, the second half of each scored, as llama-perplexity. */
    CHUNKED
  }

  /** What llama-perplexity uses when it is told nothing. */
  private static final int CHUNKED_CONTEXT = 512;

  /**
   * Tokens of one graph: enough for the matrix products to run at full speed. More gains nothing
   * and takes memory.
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

  /** Strided, with the longest context that the model has, and half of it as stride. */
  public static Perplexity of(Gpt2Model model, Tokenizer tokenizer) {
    return new Perplexity(
        model, tokenizer, new Settings(Method.STRIDED, 0, 0, Integer.MAX_VALUE, progress -> {}));
  }

  /** Overlapping windows, as Hugging Face's guide. */
  public Perplexity strided() {
    return with(Method.STRIDED, settings.context(), settings.stride(), settings.maxWindows());
  }

  /** Windows one behind the other, as llama-perplexity. */
  public Perplexity chunked() {
    return with(Method.CHUNKED, settings.context(), settings.stride(), settings.maxWindows());
  }

  /**
   * Tokens of a window.
   *
   * @param tokens 2 to {@code nPositions}; for {@link #chunked} at least 4. Without a call: {@code
   *     nPositions} when strided, at most 512 of it when chunked
   */
  public Perplexity context(int tokens) {
    if (tokens < 2 || tokens > model.config().nPositions()) {
      throw new IllegalArgumentException(
          "context is "
              + tokens
              + ", expected 2 to n_positions = "
              + model.config().nPositions()
              + " tokens");
    }
    return with(settings.method(), tokens, settings.stride(), settings.maxWindows());
  }

  /**
   * Tokens from one window to the next when strided.
   *
   * @param tokens 1 to {@code context}; a smaller one gives each token more to go by and takes
   *     longer. Without a call: half of the context
   */
  public Perplexity stride(int tokens) {
    if (tokens < 1) {
      throw new IllegalArgumentException(
          "stride is " + tokens + ", expected 1 to context tokens, such as half of it");
    }
    return with(settings.method(), settings.context(), tokens, settings.maxWindows());
  }

  /**
   * Reads only the beginning of a text.
   *
   * @param count windows, at least 1
   */
  public Perplexity maxWindows(int count) {
    if (count < 1) {
      throw new IllegalArgumentException("maxWindows is " + count + ", expected at least 1");
    }
    return with(settings.method(), settings.context(), settings.stride(), count);
  }

  /** Told after each batch of windows, on the evaluating thread. */
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
   * Evaluates a text. Special tokens that stand in it count as such when strided, as Hugging Face's
   * tokenizers do, and as plain text when chunked, as llama-perplexity does.
   *
   * @throws IllegalArgumentException when the text is too short to score any token
   * @throws CancellationException when the thread is interrupted
   */
  public PerplexityResult evaluate(String text) {
    return evaluate(encode(tokenizer, text, settings.method()));
  }

  static int[] encode(Tokenizer tokenizer, String text, Method method) {
    var options = EncodeOptions.defaults().withParseSpecialTokens(method == Method.STRIDED);
    return tokenizer.encode(text, options).ids();
  }

  /** As {@link #evaluate(String)} for a text that is tokens already. */
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
      throw new IllegalArgumentException(
          "stride is "
              + stride
              + " and context "
              + context
              + ": tokens between windows would be left out; expected a stride of at most the"
              + " context");
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
        throw new IllegalArgumentException(
            "The text has " + tokens.length + " tokens, expected at least 2");
      }
    }
    return windows.subList(0, Math.min(windows.size(), settings.maxWindows()));
  }

  static List<Window> chunks(Tokenizer tokenizer, int[] tokens, int context) {
    if (context < 4) {
      throw new IllegalArgumentException(
          "context is " + context + ", expected at least 4 tokens for chunks");
    }
    if (tokens.length < 2L * context) {
      throw new IllegalArgumentException(
          "The text has "
              + tokens.length
              + " tokens, expected at least 2 * "
              + context
              + " for chunks of this context. Give a longer text or a shorter context.");
    }
    return Window.chunked(tokens, context, bos(tokenizer));
  }

  /** The token that this tokenizer begins every text with, negative for GPT-2's, which has none. */
  private static int bos(Tokenizer tokenizer) {
    var empty = tokenizer.encode("", EncodeOptions.defaults()).ids();
    return empty.length > 0 && empty[0] == tokenizer.bosTokenId() ? empty[0] : -1;
  }
}
