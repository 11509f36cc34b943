package io.github.ggml4j.cli;

import io.github.ggml4j.quantization.ImportanceMatrix;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.databind.json.JsonMapper;

@Command(
    name = "imatrix",
    description = {
      "Computes an importance matrix from a text, for convert --imatrix: the importance of each"
          + " column of each weight matrix.",
      "10,000 tokens are enough. Use text similar to that of the later use. The file format is that"
          + " of llama.cpp."
    },
    mixinStandardHelpOptions = true,
    footer = {"", "Example:", "  ggml4j imatrix --model gpt2/ --output gpt2.imatrix.gguf book.txt"})
final class ImatrixCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @Mixin private ModelOptions model;

  @Option(
      names = "--output",
      required = true,
      paramLabel = "FILE",
      description =
          "The file to write: in llama.cpp's older format if its name ends with .dat, else GGUF.")
  private Path output;

  @Option(
      names = "--context",
      defaultValue = "0",
      paramLabel = "N",
      description = "Tokens of a chunk. Default: 512, or the model's n_positions if that is less.")
  private int context;

  @Option(
      names = "--chunks",
      paramLabel = "N",
      description = "Maximum number of chunks to read. Default: all.")
  private @Nullable Integer chunks;

  @Option(
      names = "--process-output",
      description = "Include the output matrix if it is not tied to the embeddings.")
  private boolean processOutput;

  @Option(
      names = "--in-file",
      paramLabel = "FILE",
      description = "An importance matrix of the same model, to which the result is added.")
  private @Nullable Path inFile;

  @Option(names = "--json", description = "Print what was written as JSON.")
  private boolean json;

  @Parameters(paramLabel = "TEXT", description = "UTF-8 text; - for standard input.")
  private String text;

  @Override
  public Integer call() throws IOException {
    checkOutput();
    var before = inFile == null ? null : ImportanceMatrix.read(inFile);
    var content = TextFile.read(text);
    var files = model.open();
    int[] tokens;
    try {
      tokens = files.tokenizer().encode(content);
    } catch (RuntimeException | Error e) {
      files.close();
      throw e;
    }
    try (var stop = new StopAtExit();
        var line = new ProgressLine(spec.commandLine().getErr());
        var loaded = model.load(files)) {
      var options =
          ImportanceMatrix.Options.defaults()
              .context(context)
              .head(processOutput)
              .source(text.equals("-") ? "" : text)
              .progress(p -> line.show("[%d/%d chunks]".formatted(p.chunk(), p.total())));
      if (chunks != null) {
        options = options.chunks(chunks);
      }
      var matrix = ImportanceMatrix.compute(loaded, tokens, options);
      line.clear();
      matrix = before == null ? matrix : before.plus(matrix);
      matrix.save(output);
      spec.commandLine().getOut().println(report(matrix));
    }
    return 0;
  }

  private String report(ImportanceMatrix matrix) {
    if (json) {
      var node = JsonMapper.shared().createObjectNode();
      node.put("path", output.toString());
      node.put("matrices", matrix.size());
      node.put("chunks", matrix.chunkCount());
      node.put("context", matrix.chunkSize());
      return node.toString();
    }
    return String.format(
        Locale.ROOT,
        "Wrote %s: %d matrices, %d chunks of %d tokens",
        output,
        matrix.size(),
        matrix.chunkCount(),
        matrix.chunkSize());
  }

  /** Checks before the computation that the file can be written. */
  private void checkOutput() {
    var folder = output.toAbsolutePath().getParent();
    if (Files.isDirectory(output)) {
      throw new ParameterException(
          spec.commandLine(), "--output " + output + " is a folder, expected a file");
    }
    if (folder != null && !Files.isWritable(folder)) {
      var why = Files.isDirectory(folder) ? " cannot be written to" : " does not exist";
      throw new ParameterException(
          spec.commandLine(), "--output " + output + ": the folder " + folder + why);
    }
  }
}
