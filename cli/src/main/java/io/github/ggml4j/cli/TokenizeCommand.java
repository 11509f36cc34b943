package io.github.ggml4j.cli;

import io.github.ggml4j.io.ModelFiles;
import io.github.ggml4j.tokenizer.Tokenizer;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.util.Arrays;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.databind.json.JsonMapper;

@Command(
    name = "tokenize",
    description = "Converts each line of text to a line of token ids, or token ids to text.",
    mixinStandardHelpOptions = true,
    footer = {
      "",
      "Examples:",
      "  echo 'Once upon a time' | ggml4j tokenize",
      "  ggml4j tokenize --whole --json story.txt",
      "  echo 7454 2402 257 640 | ggml4j tokenize --decode"
    })
final class TokenizeCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Option(
      names = "--model",
      defaultValue = ModelOptions.BUNDLED,
      paramLabel = "MODEL",
      description = {
        "The model whose tokenizer is used: a Hugging Face folder (tokenizer files are enough), a"
            + " .gguf file (a vocabulary is enough), a model on the Hub, or bundled: GPT-2's"
            + " tokenizer.",
        "Default: ${DEFAULT-VALUE}."
      })
  private String model;

  @Mixin private HubOptions hub;

  @Option(names = "--whole", description = "Read the input as one text, line ends included.")
  private boolean whole;

  @Option(names = "--decode", description = "Convert ids to text.")
  private boolean decode;

  @Option(
      names = "--json",
      description = "Print JSON: an object with text, ids and tokens for each line of the input.")
  private boolean json;

  @Parameters(
      arity = "0..1",
      paramLabel = "FILE",
      description = "UTF-8 text, or ids. -: standard input (default).")
  private @Nullable String file;

  @Override
  public Integer call() throws IOException {
    var tokenizer = tokenizer();
    var out = spec.commandLine().getOut();
    var name = file == null ? "-" : file;
    var label = TextFile.label(name);
    try (var in = new BufferedInputStream(TextFile.open(name, label))) {
      if (whole) {
        convert(tokenizer, TextFile.decode(in.readAllBytes(), label, 0), out);
      } else {
        long start = 0;
        for (var line = readLine(in); line != null; line = readLine(in)) {
          convert(tokenizer, TextFile.decode(line, label, start), out);
          start += line.length + 1L;
        }
      }
    }
    return ExitCode.OK;
  }

  private Tokenizer tokenizer() {
    if (model.equals(ModelOptions.BUNDLED)) {
      return Tokenizer.gpt2();
    }
    return ModelFiles.readTokenizer(model, hub::hub, hub.revision());
  }

  /** The next line without its line feed. Only a line feed ends a line. */
  private static byte @Nullable [] readLine(InputStream in) throws IOException {
    int c = in.read();
    if (c < 0) {
      return null;
    }
    var line = new ByteArrayOutputStream();
    for (; c >= 0 && c != '\n'; c = in.read()) {
      line.write(c);
    }
    return line.toByteArray();
  }

  private void convert(Tokenizer tokenizer, String text, PrintWriter out) {
    if (json) {
      out.println(json(tokenizer, text));
      return;
    }
    if (!decode) {
      out.println(
          Arrays.stream(tokenizer.encode(text))
              .mapToObj(Integer::toString)
              .collect(Collectors.joining(" ")));
      return;
    }
    var decoded = tokenizer.decode(ids(text));
    if (whole) {
      out.print(decoded);
      out.flush();
    } else {
      out.println(decoded);
    }
  }

  private String json(Tokenizer tokenizer, String line) {
    int[] ids = decode ? ids(line) : tokenizer.encode(line);
    var node = JsonMapper.shared().createObjectNode();
    node.put("text", decode ? tokenizer.decode(ids) : line);
    var idArray = node.putArray("ids");
    var tokens = node.putArray("tokens");
    for (int id : ids) {
      idArray.add(id);
      tokens.add(tokenizer.idToToken(id));
    }
    return node.toString();
  }

  private static int[] ids(String text) {
    return Arrays.stream(text.strip().split("[\\s,]+"))
        .filter(word -> !word.isEmpty())
        .mapToInt(TokenizeCommand::id)
        .toArray();
  }

  private static int id(String word) {
    try {
      return Integer.parseInt(word);
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(
          "\""
              + word
              + "\" is not a token id; --decode expects numbers of at least 0, separated by spaces",
          e);
    }
  }
}
