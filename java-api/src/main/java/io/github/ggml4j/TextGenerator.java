package io.github.ggml4j;

import io.github.ggml4j.error.InvalidArgumentException;
import io.github.ggml4j.generation.GeneratedSequence;
import io.github.ggml4j.generation.GeneratedToken;
import io.github.ggml4j.generation.GenerationConfig;
import io.github.ggml4j.generation.Generator;
import io.github.ggml4j.io.ModelExport;
import io.github.ggml4j.io.ModelFiles;
import io.github.ggml4j.io.Models;
import io.github.ggml4j.model.Gpt2Model;
import io.github.ggml4j.quantization.Quantization;
import io.github.ggml4j.tensor.Device;
import io.github.ggml4j.tokenizer.Tokenizer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * Continues texts with a model, like Hugging Face's text-generation pipeline.
 *
 * <pre>{@code
 * try (var generator = TextGenerator.load("gpt2")) {
 *   generator
 *       .generate("Once upon a time", g -> g.maxLength(100).numReturnSequences(5).seed(42))
 *       .forEach(System.out::println);
 * }
 * }</pre>
 *
 * <p>Options that a call does not set default to the model's own. If the model has none, the call
 * samples from the 50 most likely tokens at temperature 1 and generates up to 20 new tokens. {@code
 * doSample(false)} selects greedy search or plain beam search. See {@link GenerationConfig} for all
 * options.
 *
 * <p>Thread-safe: calls do not affect each other; they share the loaded model.
 *
 * <p><b>Memory management.</b> Owns the model, unless created by {@link #of}. Close streams before
 * the generator.
 */
public final class TextGenerator implements AutoCloseable {

  private static final Consumer<GenerationConfig.Builder> WITH_LOG_PROBS = g -> g.logProbs(true);

  private final Gpt2Model model;
  private final Tokenizer tokenizer;
  private volatile Generator generator;
  private final boolean ownsModel;
  private volatile boolean closed;

  private TextGenerator(Gpt2Model model, Tokenizer tokenizer, boolean ownsModel) {
    this.model = model;
    this.tokenizer = tokenizer;
    this.generator = new Generator(model, tokenizer);
    this.ownsModel = ownsModel;
  }

  /**
   * Loads a model onto a GPU if the natives support one that works, else onto the CPU.
   *
   * @param model the path of a Hugging Face folder or a {@code .gguf} file; or the name of a model
   *     on the Hugging Face Hub, such as {@code gpt2}, {@code org/name} or {@code
   *     org/name/file.gguf}, which is downloaded unless it is cached; or {@code bundled} for the
   *     small model that comes with the library
   * @throws io.github.ggml4j.format.ModelFormatException if there is no such model, or it is
   *     damaged, incomplete or not supported
   * @throws io.github.ggml4j.hub.HubException if it cannot be downloaded
   */
  public static TextGenerator load(String model) {
    return load(ModelFiles.open(model), () -> Device.open("auto", 0));
  }

  /**
   * Loads a model as {@link #load(String)} with options, as in {@code load("org/name", o ->
   * o.revision("v1").token(token))}.
   *
   * @throws IllegalArgumentException if an option has an invalid value
   */
  public static TextGenerator load(String model, Consumer<LoadOptions> options) {
    var chosen = new LoadOptions();
    options.accept(chosen);
    return load(ModelFiles.open(model, chosen::hub, chosen.revision()), chosen::openDevice);
  }

  /**
   * Loads a model as {@link #load(String)} onto a device.
   *
   * @param device owned by the model from now on, which closes it
   */
  public static TextGenerator load(String model, Device device) {
    try {
      return load(ModelFiles.open(model), () -> device);
    } catch (RuntimeException | Error e) {
      device.close();
      throw e;
    }
  }

  /** Loads a Hugging Face folder or a GGUF file as {@link #load(String)}. */
  public static TextGenerator load(Path model) {
    return load(ModelFiles.open(model), () -> Device.open("auto", 0));
  }

  private interface DeviceSource {
    Device open();
  }

  private static TextGenerator load(ModelFiles files, DeviceSource device) {
    Tokenizer tokenizer;
    Device opened;
    try {
      tokenizer = files.tokenizer();
      opened = device.open();
    } catch (RuntimeException | Error e) {
      files.close();
      throw e;
    }
    return new TextGenerator(Models.load(files, opened), tokenizer, true);
  }

  /** Generates with a loaded model. The caller owns the model and closes it after the generator. */
  public static TextGenerator of(Gpt2Model model, Tokenizer tokenizer) {
    return new TextGenerator(model, tokenizer, false);
  }

  /** The model. */
  public Gpt2Model model() {
    checkOpen();
    return model;
  }

  /** The tokenizer. */
  public Tokenizer tokenizer() {
    return tokenizer;
  }

  /** Returns one continuation with the {@linkplain #defaults default options}. */
  public String generate(String prompt) {
    return generate(prompt, _ -> {}).getFirst();
  }

  /**
   * Continues a text.
   *
   * @param options sets options, which take precedence over {@link #defaults}, as in {@code g ->
   *     g.maxLength(100).numReturnSequences(5)}
   * @return {@code numReturnSequences} texts; they begin with the prompt unless {@code
   *     returnFullText(false)} is set
   * @throws IllegalArgumentException if an option is out of range, or the prompt is empty or too
   *     long for the model
   * @throws java.util.concurrent.CancellationException if the thread is interrupted; it stays
   *     interrupted
   */
  public List<String> generate(String prompt, Consumer<GenerationConfig.Builder> options) {
    return generateBatch(List.of(prompt), options).getFirst();
  }

  /**
   * Continues several texts of any lengths in one batch. The results are the same as for each text
   * alone.
   *
   * @return for each prompt its {@code numReturnSequences} texts
   */
  public List<List<String>> generateBatch(
      List<String> prompts, Consumer<GenerationConfig.Builder> options) {
    return generateAll(prompts, config(options)).stream()
        .map(sequences -> sequences.stream().map(GeneratedSequence::text).toList())
        .toList();
  }

  /**
   * Continues a text and returns ids, log-probabilities, scores, and the reason why each sequence
   * ended. {@code logProbs} is on unless the options turn it off.
   */
  public List<GeneratedSequence> generateDetailed(
      String prompt, Consumer<GenerationConfig.Builder> options) {
    return generateAll(List.of(prompt), config(WITH_LOG_PROBS.andThen(options))).getFirst();
  }

  /**
   * Continues a text and passes each token to a listener when it is generated. An exception of the
   * listener ends the generation. {@code logProbs} is on unless the options turn it off.
   */
  public List<String> generate(
      String prompt,
      Consumer<GenerationConfig.Builder> options,
      Consumer<? super GeneratedToken> listener) {
    var config = config(WITH_LOG_PROBS.andThen(options));
    var sequences =
        generator().generate(List.of(tokenizer.encode(prompt)), config, listener).getFirst();
    return sequences.stream().map(s -> text(prompt, s.text(), config)).toList();
  }

  /**
   * Returns the continuation of a text as a stream. Each element is computed when it is read and
   * contains whole characters only. The prompt is not included. The generation ends if the stream
   * is closed or the reading thread is interrupted; use try-with-resources. If the model's own
   * options select beam search, a warning is logged and the stream uses one beam.
   *
   * @throws IllegalArgumentException as {@link #generate(String, Consumer)}, and if {@code
   *     numReturnSequences} is above 1; use {@link #streamTokens} then
   */
  public Stream<String> stream(String prompt, Consumer<GenerationConfig.Builder> options) {
    var config = streaming(options);
    if (config.numReturnSequences() > 1) {
      throw new InvalidArgumentException(
          "numReturnSequences",
          config.numReturnSequences(),
          "1 for a stream of text",
          "Use streamTokens, whose tokens have the index of their sequence.");
    }
    return stream(prompt, config).map(GeneratedToken::text).filter(text -> !text.isEmpty());
  }

  /**
   * As {@link #stream}, but returns tokens. With several sequences, their tokens alternate. {@code
   * logProbs} is on unless the options turn it off.
   */
  public Stream<GeneratedToken> streamTokens(
      String prompt, Consumer<GenerationConfig.Builder> options) {
    return stream(prompt, streaming(WITH_LOG_PROBS.andThen(options)));
  }

  private Stream<GeneratedToken> stream(String prompt, GenerationConfig config) {
    return generator().stream(List.of(tokenizer.encode(prompt)), config);
  }

  private List<List<GeneratedSequence>> generateAll(List<String> prompts, GenerationConfig config) {
    var tokens = prompts.stream().map(tokenizer::encode).toList();
    var sequences = generator().generate(tokens, config);
    var result = new ArrayList<List<GeneratedSequence>>();
    for (int i = 0; i < prompts.size(); i++) {
      var prompt = prompts.get(i);
      result.add(
          sequences.get(i).stream().map(s -> s.withText(text(prompt, s.text(), config))).toList());
    }
    return result;
  }

  /**
   * Writes model and tokenizer as a GGUF file that llama.cpp loads, or as a Hugging Face folder
   * that transformers loads.
   *
   * @param path a GGUF file if it ends with {@code .gguf}, else a folder
   * @param quantization the type of the weights; a folder supports F32, F16 and BF16
   * @throws IllegalArgumentException if the model cannot be written in this form or type
   * @throws java.io.UncheckedIOException if the files cannot be written
   * @see Models#save(Gpt2Model, Path, io.github.ggml4j.io.ModelExport)
   */
  public void save(Path path, Quantization quantization) {
    checkOpen();
    Models.save(
        model, path, ModelExport.builder().quantization(quantization).tokenizer(tokenizer).build());
  }

  private static String text(String prompt, String continuation, GenerationConfig config) {
    return config.returnFullText() ? prompt + continuation : continuation;
  }

  /**
   * The options of a call that sets none. Options of the model take precedence, as in Hugging
   * Face's {@code generate} (see {@link Gpt2Model#generationConfig}); the others are those of
   * {@link GenerationConfig#defaults()}. If the model sets neither {@code do_sample} nor several
   * beams, {@code doSample} is on.
   *
   * @throws IllegalArgumentException if a value of the model has the wrong type or is out of range
   */
  public GenerationConfig defaults() {
    return builder().build();
  }

  private GenerationConfig.Builder builder() {
    checkOpen();
    var builder = GenerationConfig.builder(model);
    boolean sampleByDefault = model.generationConfig().get("do_sample") == null;
    return sampleByDefault && builder.build().numBeams() == 1 ? builder.doSample(true) : builder;
  }

  private GenerationConfig config(Consumer<GenerationConfig.Builder> options) {
    var builder = builder();
    options.accept(builder);
    return builder.build();
  }

  private GenerationConfig streaming(Consumer<GenerationConfig.Builder> options) {
    var builder = builder();
    options.accept(builder);
    return builder.buildForStream();
  }

  private Generator generator() {
    checkOpen();
    return generator;
  }

  private void checkOpen() {
    if (closed) {
      throw new IllegalStateException("Already closed: text generator");
    }
  }

  /**
   * Closes this generator, and the model if the generator owns it.
   *
   * @throws IllegalStateException if calls are running, streams are open, or other code uses the
   *     model. Nothing is closed then, and running calls are not affected
   * @see #closeNow
   */
  @Override
  public synchronized void close() {
    if (!closed) {
      generator.close();
      closeModel();
    }
  }

  /**
   * Cancels running calls and open streams, waits for their current steps, and closes this
   * generator. Cancelled calls and readers of streams get a {@link
   * java.util.concurrent.CancellationException}.
   *
   * @throws IllegalStateException if other code uses the model
   */
  public synchronized void closeNow() {
    if (!closed) {
      generator.closeNow();
      closeModel();
    }
  }

  private void closeModel() {
    if (ownsModel) {
      try {
        model.close();
      } catch (IllegalStateException e) {
        generator = new Generator(model, tokenizer); // the text generator stays usable
        throw e;
      }
    }
    closed = true;
  }
}
