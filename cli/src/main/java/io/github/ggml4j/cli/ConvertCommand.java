package io.github.ggml4j.cli;

import io.github.ggml4j.io.Adapters;
import io.github.ggml4j.io.ModelExport;
import io.github.ggml4j.io.ModelFiles;
import io.github.ggml4j.io.Models;
import io.github.ggml4j.model.Gpt2Config;
import io.github.ggml4j.model.Gpt2Model;
import io.github.ggml4j.quantization.ImportanceMatrix;
import io.github.ggml4j.quantization.Quantization;
import io.github.ggml4j.tensor.DType;
import io.github.ggml4j.tokenizer.Tokenizer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;
import tools.jackson.databind.json.JsonMapper;

@Command(
    name = "convert",
    description = "Writes a model as a GGUF file or a Hugging Face folder, optionally quantized.",
    mixinStandardHelpOptions = true)
final class ConvertCommand implements Callable<Integer> {
  private static final String GGUF = ".gguf";
  private static final double MEGABYTE = 1e6;
  private static final int BITS = 8;

  /** Reads names such as q4_k_m. */
  static final class QuantizationName implements ITypeConverter<Quantization> {
    @Override
    public Quantization convert(String name) {
      try {
        return Quantization.of(name);
      } catch (IllegalArgumentException e) {
        throw new TypeConversionException(e.getMessage());
      }
    }
  }

  /** Reads names such as q4_k. */
  static final class TypeName implements ITypeConverter<DType> {
    @Override
    public DType convert(String name) {
      try {
        return DType.valueOf(name.toUpperCase(Locale.ROOT));
      } catch (IllegalArgumentException e) {
        throw new TypeConversionException(
            name.isEmpty()
                ? "expected PATTERN=TYPE, such as ffn_down=q8_0"
                : "there is no type " + name + ", expected one such as q8_0");
      }
    }
  }

  @Spec private CommandSpec spec;

  @Mixin private ModelOptions model;

  @Option(
      names = "--output",
      required = true,
      paramLabel = "FILE.gguf|DIR",
      description = "What to write: a GGUF file for llama.cpp, or a folder for transformers.")
  private Path output;

  @Option(
      names = "--type",
      paramLabel = "TYPE",
      converter = QuantizationName.class,
      description =
          "One of the types below; a folder can have f32, f16 and bf16. Default: the model's types.")
  @SetsParameter("quantization")
  private @Nullable Quantization type;

  @Option(
      names = "--imatrix",
      paramLabel = "FILE",
      description =
          "Importance matrix, from ggml4j imatrix or llama-imatrix. Improves all types below 8"
              + " bits; required for the smallest types.")
  @SetsParameter("importanceMatrix")
  private @Nullable Path imatrix;

  @Option(
      names = "--pure",
      description = "Use the same type for all matrices, instead of a mixture.")
  private boolean pure;

  @Option(
      names = "--tensor-type",
      paramLabel = "PATTERN=TYPE",
      mapFallbackValue = "",
      converter = {PatternText.class, TypeName.class},
      description =
          "Type for matrices whose GGUF names contain the pattern, as in ffn_down=q8_0. May be"
              + " given several times.")
  private Map<String, DType> tensorTypes = new LinkedHashMap<>();

  @Option(
      names = "--requantize",
      description = "Allow quantizing weights that are already quantized; both losses add up.")
  private boolean requantize;

  @Option(
      names = "--merge-adapter",
      paramLabel = "DIR",
      description =
          "Add a LoRA adapter, as PEFT writes it, to the weights in float32 before they are"
              + " written. Without --type the result is in f32.")
  private @Nullable Path adapter;

  @Option(names = "--json", description = "Print what was written as JSON.")
  private boolean json;

  /** Returns the text unchanged. */
  static final class PatternText implements ITypeConverter<String> {
    @Override
    public String convert(String text) {
      return text;
    }
  }

  /** The end of the help: all types, and examples. */
  static String types() {
    var gpt2 = Gpt2Config.builder().build();
    var text = new StringBuilder();
    text.append("%nTypes, with bits per weight for GPT-2 124M (* needs --imatrix):%n".formatted());
    for (var value : Quantization.values()) {
      text.append(
          String.format(
              Locale.ROOT,
              "  %-10s%5.2f%s %s%n",
              value.label(),
              value.bitsPerWeight(gpt2),
              value.needsImportanceMatrix(gpt2) ? "*" : " ",
              value.description()));
    }
    return text.append(
            """

            Examples:
              ggml4j convert --model gpt2/ --output gpt2-q4_k_m.gguf --type q4_k_m
              ggml4j convert --model gpt2.gguf --output gpt2/ --type f32
              ggml4j imatrix --model gpt2/ --output im.gguf book.txt
              ggml4j convert --model gpt2/ --output s.gguf --type iq2_m --imatrix im.gguf
            """)
        .toString();
  }

  @Override
  public Integer call() {
    boolean file = String.valueOf(output.getFileName()).endsWith(GGUF);
    checkUsage(file);
    var export = export();
    var matrix = imatrix == null ? null : ImportanceMatrix.read(imatrix);
    var files = model.open();
    var tokenizer = tokenizer(files);
    try (var stop = new StopAtExit();
        var line = new ProgressLine(spec.commandLine().getErr());
        var loaded = model.load(files)) {
      if (adapter != null) {
        merge(loaded, adapter);
      }
      Map<String, DType> written = new TreeMap<>();
      export
          .importanceMatrix(matrix)
          .tokenizer(tokenizer)
          .progress(p -> {
            written.put(p.weight(), p.type());
            line.show("[%d/%d] %s %s".formatted(p.written(), p.total(), p.weight(), p.type()));
          });
      Models.save(loaded, output, export.build());
      line.clear();
      spec.commandLine().getOut().println(report(written, loaded.parameterCount()));
    }
    return 0;
  }

  private void merge(Gpt2Model loaded, Path folder) {
    boolean quantizes = type != null && !type.isFloat();
    if (quantizes
        && !requantize
        && loaded.tensors().values().stream().anyMatch(tensor -> tensor.type().isQuantized())) {
      throw new ParameterException(
          spec.commandLine(),
          "--model is quantized already, and --type would quantize it again; add --requantize, or"
              + " use a model in f32, f16 or bf16");
    }
    loaded.addAdapter(folder.toString(), Adapters.load(folder, loaded));
    loaded.trainableWeights(); // F32
    loaded.merge(folder.toString());
  }

  /** The export with the options of the command, without importance matrix and tokenizer. */
  private ModelExport.Builder export() {
    var export = ModelExport.builder().quantization(type).pure(pure).requantize(requantize);
    try {
      tensorTypes.forEach(export::tensorType);
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), "--tensor-type: " + e.getMessage(), e);
    }
    return export;
  }

  /** Lists all types: another type replaces the requested one if rows are not whole blocks. */
  private String report(Map<String, DType> written, long parameters) {
    Map<DType, Integer> types = new EnumMap<>(DType.class);
    written.values().forEach(one -> types.merge(one, 1, Integer::sum));
    long bytes = size(output);
    double bits = (double) BITS * bytes / parameters;
    if (json) {
      var node = JsonMapper.shared().createObjectNode();
      node.put("path", output.toString());
      node.put("type", type == null ? null : type.label());
      node.put("bytes", bytes);
      node.put("bits_per_weight", bits);
      node.put("parameters", parameters);
      var tensors = node.putObject("tensors");
      types.forEach((one, count) -> tensors.put(label(one), count));
      return node.toString();
    }
    var counts =
        types.entrySet().stream()
            .map(count -> count.getValue() + " " + label(count.getKey()))
            .collect(Collectors.joining(", "));
    return String.format(
        Locale.ROOT,
        "Wrote %s: %s, %.1f MB, %,d weights, %.2f bits per weight",
        output,
        type == null ? counts : type.label() + " (" + counts + ")",
        bytes / MEGABYTE,
        parameters,
        bits);
  }

  private static String label(DType type) {
    return type.name().toLowerCase(Locale.ROOT);
  }

  private void checkUsage(boolean file) {
    if (!file && type != null && !type.isFloat()) {
      throw new ParameterException(
          spec.commandLine(),
          "--type is "
              + type.label()
              + ", expected f32, f16 or bf16 for a folder. For other types, use an --output that"
              + " ends with .gguf");
    }
    if ((pure || !tensorTypes.isEmpty()) && (type == null || type.isFloat())) {
      throw new ParameterException(
          spec.commandLine(), "--pure and --tensor-type need a quantized --type such as q4_k_m");
    }
  }

  private @Nullable Tokenizer tokenizer(ModelFiles files) {
    try {
      if (files.hasTokenizer()) {
        return files.tokenizer();
      }
    } catch (RuntimeException | Error e) {
      files.close();
      throw e;
    }
    spec.commandLine()
        .getErr()
        .println(
            "ggml4j convert: " + files.path() + " has no tokenizer; the result has none either");
    return null;
  }

  private static long size(Path written) {
    try (Stream<Path> parts =
        Files.isDirectory(written)
            ? Files.list(written).filter(path -> path.toString().endsWith(".safetensors"))
            : Stream.of(written)) {
      long bytes = 0;
      for (var part : parts.toList()) {
        bytes += Files.size(part);
      }
      return bytes;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
