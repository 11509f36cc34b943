package io.github.ggml4j.cli;

import io.github.ggml4j.evaluation.KlDivergence;
import io.github.ggml4j.evaluation.Perplexity;
import io.github.ggml4j.evaluation.PerplexityResult;
import io.github.ggml4j.evaluation.TypeComparison;
import io.github.ggml4j.evaluation.TypeReport;
import io.github.ggml4j.quantization.ImportanceMatrix;
import io.github.ggml4j.quantization.Quantization;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

@Command(
    name = "perplexity",
    description = "Measures how well a model predicts a text; lower is better.",
    mixinStandardHelpOptions = true,
    footer = {
      "",
      "strided is the method of Hugging Face's guide,",
      "https://huggingface.co/docs/transformers/perplexity; chunked is the method of",
      "llama-perplexity. Compare only results of the same method, context and text.",
      "",
      "--compare prints a table of types. For each type, the model is converted in a temporary"
          + " folder and its predictions are compared with those of the original model. KLD is the"
          + " mean KL divergence per token, 99%% KLD its 99th percentile, and same top the share"
          + " of positions at which both models have the same most likely token.",
      "",
      "Examples:",
      "  ggml4j perplexity book.txt",
      "  ggml4j perplexity --model gpt2.gguf --method chunked --context 512 book.txt",
      "  ggml4j perplexity --model gpt2 --compare f16,q8_0,q4_k_m,q4_0 book.txt"
    })
final class PerplexityCommand implements Callable<Integer> {
  enum MethodName {
    strided,
    chunked
  }

  @Spec private CommandSpec spec;
  @Mixin private ModelOptions model;
  @Mixin private PrecisionOptions precision;

  @Option(
      names = "--method",
      defaultValue = "strided",
      paramLabel = "NAME",
      description = {
        "strided: overlapping windows; chunked: consecutive windows, only the second half of each"
            + " is scored.",
        "Default: ${DEFAULT-VALUE}."
      })
  private MethodName method;

  @Option(
      names = "--context",
      paramLabel = "N",
      description =
          "Tokens per window. Default: the model's n_positions; 512 with --method chunked.")
  private @Nullable Integer context;

  @Option(
      names = "--stride",
      paramLabel = "N",
      description =
          "Distance in tokens between the starts of windows, for --method strided. Default: half"
              + " the context.")
  private @Nullable Integer stride;

  @Option(
      names = "--windows",
      paramLabel = "N",
      description = "Maximum number of windows to read. Default: all.")
  @SetsParameter("maxWindows")
  private @Nullable Integer windows;

  @Option(
      names = "--compare",
      split = ",",
      paramLabel = "TYPE",
      converter = ConvertCommand.QuantizationName.class,
      description =
          "Types to compare by size, speed and loss, as in f16,q8_0,q4_k_m. convert --help lists"
              + " all types.")
  private List<Quantization> types = List.of();

  @Option(
      names = "--imatrix",
      paramLabel = "FILE",
      description = "Importance matrix for --compare, from ggml4j imatrix or llama-imatrix.")
  private @Nullable Path imatrix;

  @Option(names = "--json", description = "Print JSON.")
  private boolean json;

  @Parameters(arity = "1", paramLabel = "FILE", description = "UTF-8 text; - for standard input.")
  private String file;

  @Override
  public Integer call() throws IOException {
    precision.apply();
    if (stride != null && method == MethodName.chunked) {
      throw new ParameterException(spec.commandLine(), "--stride needs --method strided");
    }
    if (imatrix != null && types.isEmpty()) {
      throw new ParameterException(spec.commandLine(), "--imatrix needs --compare");
    }
    if (!types.isEmpty()) {
      compare();
      return ExitCode.OK;
    }
    var text = text(method == MethodName.chunked);
    var files = model.open();
    var tokenizer = files.tokenizer();
    PerplexityResult result;
    try (var loaded = model.load(files);
        var line = new EvaluationLine(spec.commandLine().getErr())) {
      result = configure(Perplexity.of(loaded, tokenizer).progress(line)).evaluate(text);
    }
    spec.commandLine().getOut().println(json ? json(result).toString() : describe(result));
    return ExitCode.OK;
  }

  /** The text. Chunked omits the last line end, as llama-perplexity does. */
  private String text(boolean chunked) throws IOException {
    var text = TextFile.read(file);
    return chunked && text.endsWith("\n") ? text.substring(0, text.length() - 1) : text;
  }

  private void compare() throws IOException {
    if (stride != null) {
      throw new ParameterException(
          spec.commandLine(),
          "--stride cannot be combined with --compare, which reads the text in chunks");
    }
    var text = text(true);
    var matrix = imatrix == null ? null : ImportanceMatrix.read(imatrix);
    var files = model.open();
    var tokenizer = files.tokenizer();
    List<TypeReport> reports;
    try (var stop = new StopAtExit();
        var loaded = model.load(files);
        var line = new EvaluationLine(spec.commandLine().getErr())) {
      reports =
          TypeComparison.of(loaded, tokenizer)
              .importanceMatrix(matrix)
              .divergence(kl -> configure(kl.progress(line)))
              .evaluate(text, types);
    }
    var out = spec.commandLine().getOut();
    if (json) {
      out.println(TypeTable.json(reports));
    } else {
      TypeTable.print(reports, out);
    }
  }

  private KlDivergence configure(KlDivergence divergence) {
    var configured = context == null ? divergence : divergence.context(context);
    return windows == null ? configured : configured.maxWindows(windows);
  }

  private Perplexity configure(Perplexity perplexity) {
    var configured = method == MethodName.chunked ? perplexity.chunked() : perplexity.strided();
    if (context != null) {
      configured = configured.context(context);
    }
    if (stride != null) {
      configured = configured.stride(stride);
    }
    return windows == null ? configured : configured.maxWindows(windows);
  }

  static String describe(PerplexityResult result) {
    double seconds = seconds(result);
    return String.format(
        Locale.ROOT,
        "perplexity %.4f +/- %.4f (%.5f nats per token), %,d tokens in %s of %d%s,"
            + " %.1f s, %,.0f tokens/s",
        result.perplexity(),
        result.standardError(),
        result.nll(),
        result.tokens(),
        result.windows() == 1 ? "1 window" : result.windows() + " windows",
        result.context(),
        result.stride() == result.context() ? "" : " every " + result.stride(),
        seconds,
        result.tokens() / seconds);
  }

  static ObjectNode json(PerplexityResult result) {
    var node = JsonMapper.shared().createObjectNode();
    node.put("perplexity", result.perplexity());
    node.put("standard_error", result.standardError());
    node.put("nll", result.nll());
    node.put("tokens", result.tokens());
    node.put("method", result.method().name().toLowerCase(Locale.ROOT));
    node.put("context", result.context());
    node.put("stride", result.stride());
    node.put("windows", result.windows());
    node.put("seconds", seconds(result));
    return node;
  }

  private static double seconds(PerplexityResult result) {
    return Math.max(1e-3, result.duration().toMillis() / 1000.0);
  }
}
