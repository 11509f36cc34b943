package io.github.ggml4j;

import io.github.ggml4j.generation.GeneratedSequence;
import io.github.ggml4j.generation.GeneratedToken;
import io.github.ggml4j.generation.GenerationConfig;
import io.github.ggml4j.generation.Generator;
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
 * Continues texts with a model, as Hugging Face's text-generation pipeline.
 *
 * <pre>{@code
 * try (var generator = TextGenerator.load("gpt2")) {
 *   generator
 *       .generate("Once upon a time", g -> g.maxLength(100).numReturnSequences(5).seed(42))
 *       .forEach(System.out::println);
 * }
 * }</pre>
 *
 * <p>Options start from what the published GPT-2 asks of that pipeline: sampling at temperature 1
 * from the 50 most likely tokens; the length is up to 20 new tokens unless you set one. {@code
 * doSample(false)} makes it greedy or plain beam search. See {@link GenerationConfig} for all
 * options.
 *
 * <p>Thread-safe: calls work on their own, on one loaded model.
 *
 * <p><b>Memory management.</b> Owns the model, unless made by {@link #of}. Close streams first.
 */
public final class TextGenerator implements AutoCloseable {

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
   * Loads a model onto a GPU where the natives have one, else the CPU.
   *
   * @param model the path of a Hugging Face folder or a {@code .gguf} file; else the name of a
   *     model on the Hugging Face Hub, as {@code gpt2}, {@code org/name} or {@code
   *     org/name/file.gguf}, which is downloaded unless it is in the cache; or {@code bundled} for
   *     the small model that comes with the library
   * @throws io.github.ggml4j.format.ModelFormatException when there is no such model, or it is
   *     damaged, incomplete or of a kind that is not supported
   * @throws io.github.ggml4j.hub.HubException when it cannot be downloaded
   */
  public static TextGenerator load(String model) {
    return load(ModelFiles.open(model), () -> Device.open("auto", 0));
  }

  /**
   * Loads a model as {@link #load(String)} with options, as in {@code load("org/name", o ->
   * o.revision("v1").token(token))}.
   *
   * @throws IllegalArgumentException for an option that makes no sense
   */
  public static TextGenerator load(String model, Consumer<LoadOptions> options) {
    var chosen = new LoadOptions();
    options.accept(chosen);
    return load(ModelFiles.open(model, chosen::hub, chosen.revision()), chosen::openDevice);
  }

  /**
   * Loads a model as {@link #load(String)} onto a device.
   *
   * @param device becomes owned by the model
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

  /** Generates with a model that is loaded already, and that the caller closes after this. */
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

  /** One continuation with the {@linkplain #defaults default options}. */
  public String generate(String prompt) {
    return generate(prompt, _ -> {}).getFirst();
  }

  /**
   * Continues a text.
   *
   * @param options sets options before {@link #defaults}, as in {@code g ->
   *     g.maxLength(100).numReturnSequences(5)}
   * @return {@code numReturnSequences} texts, beginning with the prompt unless {@code
   *     returnFullText(false)}
   * @throws IllegalArgumentException for an option out of range, an empty prompt, or one too long
   *     for the model
   * @throws java.util.concurrent.CancellationException when the thread is interrupted; it stays
   *     interrupted
   */
  public List<String> generate(String prompt, Consumer<GenerationConfig.Builder> options) {
    return generateBatch(List.of(prompt), options).getFirst();
  }

  /**
   * Continues several texts, of any lengths, together. Each gets what it would get alone.
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
   * Continues a text and tells ids, log-probabilities, scores, and why each sequence ended. {@code
   * logProbs} are on unless turned off.
   */
  public List<GeneratedSequence> generateDetailed(
      String prompt, Consumer<GenerationConfig.Builder> options) {
    Consumer<GenerationConfig.Builder> logProbs = g -> g.logProbs(true);
    return generateAll(List.of(prompt), config(logProbs.andThen(options))).getFirst();
  }

  /**
   * Continues a text and tells a listener every token as it is generated. An exception that it
   * throws ends the generation.
   */
  public List<String> generate(
      String prompt,
      Consumer<GenerationConfig.Builder> options,
      Consumer<? super GeneratedToken> listener) {
    var config = config(options);
    var sequences =
        generator().generate(List.of(tokenizer.encode(prompt)), config, listener).getFirst();
    return sequences.stream().map(s -> text(prompt, s.text(), config)).toList();
  }

  /**
   * The continuation of a text piece by piece: each piece is computed when it is asked for and has
   * whole characters only. The pieces do not repeat the prompt. Closing the stream ends the work,
   * as does interrupting the reading thread; use try-with-resources.
   *
   * @throws IllegalArgumentException as {@link #generate(String, Consumer)}, and for more than one
   *     sequence, for which there is {@link #streamTokens}
   */
  public Stream<String> stream(String prompt, Consumer<GenerationConfig.Builder> options) {
    var config = config(options);
    if (config.numReturnSequences() > 1) {
      throw new IllegalArgumentException(
          "numReturnSequences is "
              + config.numReturnSequences()
              + ", expected 1 for a stream of text. streamTokens tells several apart.");
    }
    return stream(prompt, config).map(GeneratedToken::text).filter(text -> !text.isEmpty());
  }

  /** As {@link #stream}, token by token, and for several sequences, whose tokens take turns. */
  public Stream<GeneratedToken> streamTokens(
      String prompt, Consumer<GenerationConfig.Builder> options) {
    return stream(prompt, config(options));
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
   * @param path a GGUF file where it ends with {@code .gguf}, else a folder, which takes F32, F16
   *     and BF16
   * @throws IllegalArgumentException when the model cannot be written so
   * @throws java.io.UncheckedIOException when the files cannot be written
   * @see Models#save(Gpt2Model, Path, io.github.ggml4j.io.ModelExport)
   */
  public void save(Path path, Quantization quantization) {
    checkOpen();
    Models.save(model, path, quantization, tokenizer);
  }

  private static String text(String prompt, String continuation, GenerationConfig config) {
    return config.returnFullText() ? prompt + continuation : continuation;
  }

  /**
   * The options that hold where a call sets none: those of the model's {@code
   * generation_config.json}, as in Hugging Face's {@code generate}, else {@link
   * GenerationConfig#defaults()} with sampling.
   *
   * @throws IllegalArgumentException when a value there is of the wrong kind or out of range
   */
  public GenerationConfig defaults() {
    checkOpen();
    var builder = GenerationConfig.builder(model);
    boolean silent = model.generationConfig().get("do_sample") == null;
    return silent && builder.build().numBeams() == 1
        ? builder.doSample(true).build()
        : builder.build();
  }

  private GenerationConfig config(Consumer<GenerationConfig.Builder> options) {
    var builder = defaults().toBuilder();
    options.accept(builder);
    return builder.build();
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
   * Closes the model if this owns it.
   *
   * @throws IllegalStateException when streams or calls are under way; close again after they end
   */
  @Override
  public void close() {
    if (closed) {
      return;
    }
    generator.close();
    if (ownsModel) {
      try {
        model.close();
      } catch (IllegalStateException e) {
        generator = new Generator(model, tokenizer); // this stays open, and usable
        throw e;
      }
    }
    closed = true;
  }
}
