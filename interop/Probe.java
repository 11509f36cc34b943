import io.github.ggml4j.io.Models;
import io.github.ggml4j.inference.InferenceSession;
import io.github.ggml4j.quantization.ImportanceMatrix;
import io.github.ggml4j.io.ModelExport;
import io.github.ggml4j.io.ModelFiles;
import io.github.ggml4j.quantization.Quantization;
import io.github.ggml4j.tensor.Device;
import io.github.ggml4j.tokenizer.Tokenizer;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Collectors;
import tools.jackson.databind.json.JsonMapper;

/**
 * ggml4j as a partner of the scripts: reads a request a line, fields separated by tabs, and answers
 * with one line that starts with {@code ok} or {@code error}. Uses the public API alone.
 */
final class Probe {
  private Probe() {}

  public static void main(String[] arguments) throws IOException {
    var requests = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (var line = requests.readLine(); line != null; line = requests.readLine()) {
      String answer;
      try {
        answer = "ok\t" + answer(line.split("\t", -1));
      } catch (RuntimeException e) {
        answer = "error\t" + e.getClass().getSimpleName() + ": " + e.getMessage();
      }
      System.out.println(answer.replace("\n", " "));
    }
  }

  private static String answer(String[] request) throws IOException {
    return switch (request[0]) {
      case "logits" -> logits(request[1], Path.of(request[2]), ids(request[3]));
      case "step" -> steps(request[1], Path.of(request[2]), ids(request[3]));
      case "describe" -> describe(request[1]);
      case "encode" -> encode(request[1], Files.readString(Path.of(request[2])));
      case "decode" -> decode(request[1], ids(request[2]), Path.of(request[3]));
      case "tokenizer-check" -> checkTokenizer(Path.of(request[1]));
      case "tokenizer" -> saveTokenizer(Path.of(request[1]));
      case "save" ->
          save(
              request[1],
              Path.of(request[2]),
              request[3],
              Arrays.copyOfRange(request, 4, request.length));
      default -> throw new IllegalArgumentException("Unknown request " + request[0]);
    };
  }

  private static int[] ids(String text) {
    return Arrays.stream(text.split(",")).mapToInt(Integer::parseInt).toArray();
  }

  /** Opened as a user would, by path or name; the logits of every position go into a file. */
  private static String logits(String name, Path file, int[] tokens) throws IOException {
    try (var model = Models.load(ModelFiles.open(name), Device.cpu(1))) {
      var rows = InferenceSession.logits(model, tokens);
      var bytes =
          ByteBuffer.allocate(4 * rows.length * rows[0].length).order(ByteOrder.LITTLE_ENDIAN);
      for (float[] row : rows) {
        bytes.asFloatBuffer().put(row);
        bytes.position(bytes.position() + 4 * row.length);
      }
      Files.write(file, bytes.array());
      return rows.length + "\t" + rows[0].length;
    }
  }

  /** As {@link #logits}, one token at a time through the cache. */
  private static String steps(String name, Path file, int[] tokens) throws IOException {
    try (var model = Models.load(ModelFiles.open(name), Device.cpu(1));
        var session = InferenceSession.open(model)) {
      int sequence = session.newSequence();
      var row = new float[model.config().vocabSize()];
      var bytes =
          ByteBuffer.allocate(4 * tokens.length * row.length).order(ByteOrder.LITTLE_ENDIAN);
      for (int token : tokens) {
        session.step(new int[] {sequence}, new int[][] {{token}});
        session.logits(0, row);
        bytes.asFloatBuffer().put(row);
        bytes.position(bytes.position() + 4 * row.length);
      }
      Files.write(file, bytes.array());
      return tokens.length + "\t" + row.length;
    }
  }

  private static String describe(String name) {
    try (var files = ModelFiles.open(name)) {
      return files.describe();
    }
  }

  private static String encode(String name, String text) {
    try (var files = ModelFiles.open(name)) {
      return Arrays.stream(files.tokenizer().encode(text))
          .mapToObj(Integer::toString)
          .collect(Collectors.joining(","));
    }
  }

  private static String decode(String name, int[] tokens, Path file) throws IOException {
    try (var files = ModelFiles.open(name)) {
      Files.writeString(file, files.tokenizer().decode(tokens));
      return "";
    }
  }

  /** Compares ids and decoded texts with those in the folder; "same", or the first difference. */
  private static String checkTokenizer(Path folder) throws IOException {
    var mapper = new JsonMapper();
    var texts = mapper.readTree(folder.resolve("texts.json").toFile()).get("texts");
    var expected = mapper.readTree(folder.resolve("expected.json").toFile());
    var tokenizer = Tokenizer.load(folder);
    var special = expected.get("special");
    int eos = special.get(1).asInt(-1);
    int[] ids = {special.get(0).asInt(-1), eos, special.get(2).asInt(eos)};
    int[] mine = {tokenizer.bosTokenId(), tokenizer.eosTokenId(), tokenizer.padTokenId()};
    if (!Arrays.equals(ids, mine)) {
      return "special ids " + Arrays.toString(mine) + ", expected " + Arrays.toString(ids);
    }
    for (int i = 0; i < texts.size(); i++) {
      var text = texts.get(i).asString();
      int[] encoded = tokenizer.encode(text);
      if (!Arrays.toString(encoded).replace(" ", "").equals(expected.get("ids").get(i).toString())) {
        return "'" + text + "' is " + Arrays.toString(encoded) + ", expected " + expected.get("ids").get(i);
      }
      var decoded = tokenizer.decode(encoded, true);
      if (!decoded.equals(expected.get("decoded").get(i).asString())) {
        return "decoded '" + decoded + "', expected " + expected.get("decoded").get(i);
      }
    }
    return "same";
  }

  /** The files of GPT-2's own tokenizer. */
  private static String saveTokenizer(Path folder) throws IOException {
    Files.createDirectories(folder);
    Tokenizer.gpt2().save(folder);
    return "";
  }

  /**
   * A GGUF file or a folder of a type by name; further "pure" and the path of an importance matrix.
   */
  private static String save(String name, Path target, String type, String[] more) {
    try (var files = ModelFiles.open(name);
        var model = Models.load(ModelFiles.open(name), Device.cpu(1))) {
      var export =
          ModelExport.builder()
              .tokenizer(files.tokenizer())
              .quantization(Quantization.of(type))
              .threads(1);
      for (var word : more) {
        if (word.equals("pure")) {
          export.pure(true);
        } else {
          export.importanceMatrix(ImportanceMatrix.read(Path.of(word)));
        }
      }
      Models.save(model, target, export.build());
      return "";
    }
  }
}
