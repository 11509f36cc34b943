import io.github.ggml4j.io.Models;
import io.github.ggml4j.inference.InferenceSession;
import io.github.ggml4j.format.ModelFormatException;
import io.github.ggml4j.quantization.ImportanceMatrix;
import io.github.ggml4j.io.ModelFiles;
import io.github.ggml4j.tensor.Device;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;

/**
 * Damages a model's files again and again, and uses each as a user would: opened, loaded, run, its
 * tokenizer read. Each must work or be refused with a message. Arguments: a folder with a sound
 * model, what to open in it ("." for all of it), the names of the files to damage, separated by
 * commas, how many times, and a seed.
 */
final class Mutate {
  private static final List<String> VALUES =
      List.of(
          "-1",
          "0",
          "4294967296",
          "2147483648",
          "9223372036854775807",
          "18446744073709551615",
          "1e999",
          "-0.0",
          "99999999999999999999999999",
          "null",
          "true",
          "[]",
          "{}",
          "\"\"",
          "\"\\ud800\"",
          "[[[[[[[[[[]]]]]]]]]]",
          "\0");

  private final SplittableRandom random;
  private final Map<String, Integer> refusals = new TreeMap<>();
  private int works;
  private int refused;
  private int unexpected;
  private long slowest;

  private Mutate(long seed) {
    random = new SplittableRandom(seed);
  }

  public static void main(String[] arguments) throws IOException {
    var folder = Path.of(arguments[0]);
    var opened = arguments[1].equals(".") ? folder : folder.resolve(arguments[1]);
    var names = arguments[2].split(",");
    int count = Integer.parseInt(arguments[3]);
    var run = new Mutate(Long.parseLong(arguments[4]));
    run.use(opened);
    long before = resident("VmRSS");
    for (int i = 0; i < count; i++) {
      run.once(folder.resolve(names[i % names.length]), opened, i);
      if (i == count / 10) {
        before = resident("VmRSS");
      }
    }
    System.out.printf(
        "%d mutants: %d work, %d refused in %d ways, %d unexpected; slowest %.2f s; memory %d MB,"
            + " peak %d MB, file %.1f MB%n",
        count,
        run.works,
        run.refused,
        run.refusals.size(),
        run.unexpected,
        run.slowest / 1e9,
        before >> 20,
        resident("VmHWM") >> 20,
        Files.size(folder.resolve(names[0])) / 1e6);
    System.out.printf("grown by %d MB%n", (resident("VmRSS") - before) >> 20);
    System.exit(run.unexpected == 0 ? 0 : 1);
  }

  private void once(Path file, Path opened, int number) throws IOException {
    byte[] whole = Files.readAllBytes(file);
    byte[] damaged = damage(whole);
    // A new file in its place: the old one may still be mapped
    Files.delete(file);
    Files.write(file, damaged);
    long began = System.nanoTime();
    try {
      use(opened);
      works++;
    } catch (ModelFormatException | UncheckedIOException e) {
      refused++;
      String message = String.valueOf(e.getMessage());
      refusals.merge(message.replaceAll("[0-9\"'].*", ""), 1, Integer::sum);
      if (message.length() < 20 || message.length() > 3000) {
        report(file, damaged, number, e);
      }
    } catch (Throwable e) {
      report(file, damaged, number, e);
    }
    long took = System.nanoTime() - began;
    if (took > 10_000_000_000L) {
      report(
          file, damaged, number, new IllegalStateException("took " + took / 1_000_000_000L + " s"));
    }
    slowest = Math.max(slowest, took);
    Files.delete(file);
    Files.write(file, whole);
  }

  private void report(Path file, byte[] damaged, int number, Throwable e) throws IOException {
    unexpected++;
    if (unexpected <= 5) {
      var kept = file.resolveSibling(file.getFileName() + ".mutant" + number);
      Files.write(kept, damaged);
      System.out.println("unexpected: mutant " + number + " of " + file.getFileName() + ": " + e);
      Arrays.stream(e.getStackTrace())
          .limit(12)
          .forEach(frame -> System.out.println("    " + frame));
    }
  }

  private static void use(Path opened) {
    if (opened.getFileName().toString().startsWith("imatrix")) {
      ImportanceMatrix.read(opened).meanSquares();
      return;
    }
    try (var files = ModelFiles.open(opened.toString())) {
      files.describe();
      if (files.vocabulary().isPresent() || !files.tokenizerFiles().isEmpty()) {
        var tokenizer = files.tokenizer();
        tokenizer.decode(tokenizer.encode("Once upon a time, \u00e4 \ud83d\ude00<|endoftext|>"));
      }
      try (var model = Models.load(ModelFiles.open(opened.toString()), Device.cpu(1))) {
        int length = Math.min(3, model.config().nPositions());
        var tokens = new int[length];
        for (int i = 0; i < length; i++) {
          tokens[i] = Math.min(i, model.config().vocabSize() - 1);
        }
        InferenceSession.logits(model, tokens);
      }
    }
  }

  private byte[] damage(byte[] whole) {
    byte[] file = whole.clone();
    for (int left = 1 + random.nextInt(3); left > 0 && file.length > 0; left--) {
      // Headers stand at the front, directories of archives at the end
      int at =
          switch (random.nextInt(4)) {
            case 0 -> random.nextInt(file.length);
            case 1 -> file.length - 1 - random.nextInt(Math.min(file.length, 4096));
            default -> random.nextInt(Math.min(file.length, 4096));
          };
      file =
          switch (random.nextInt(10)) {
            case 0 -> flip(file, at, 1 << random.nextInt(8));
            case 1 -> flip(file, at, 1 + random.nextInt(255));
            case 2 -> Arrays.copyOf(file, at);
            case 3 -> number(file, at);
            case 4 -> splice(file, at, 0, value());
            case 5 ->
                splice(file, at, Math.min(file.length - at, 1 + random.nextInt(16)), new byte[0]);
            case 6 -> digits(file, at);
            case 7 -> splice(file, at, 0, piece(file));
            case 8 -> splice(file, at, Math.min(file.length - at, 8), piece(file));
            default -> Arrays.copyOf(file, file.length + 1 + random.nextInt(64));
          };
    }
    return file;
  }

  private static byte[] flip(byte[] file, int at, int bits) {
    file[at] ^= (byte) bits;
    return file;
  }

  private byte[] value() {
    return VALUES.get(random.nextInt(VALUES.size())).getBytes(StandardCharsets.ISO_8859_1);
  }

  private byte[] piece(byte[] file) {
    int from = random.nextInt(file.length);
    return Arrays.copyOfRange(file, from, Math.min(file.length, from + random.nextInt(64)));
  }

  private byte[] number(byte[] file, int at) {
    long[] numbers = {
      0,
      1,
      -1,
      Integer.MAX_VALUE,
      Integer.MIN_VALUE,
      Long.MAX_VALUE,
      1L << 32,
      1L << 40,
      file.length,
      random.nextLong()
    };
    long number = numbers[random.nextInt(numbers.length)];
    var buffer =
        ByteBuffer.wrap(file)
            .order(random.nextBoolean() ? ByteOrder.LITTLE_ENDIAN : ByteOrder.BIG_ENDIAN);
    if (at + 8 <= file.length && random.nextBoolean()) {
      buffer.putLong(at, number);
    } else if (at + 4 <= file.length) {
      buffer.putInt(at, (int) number);
    }
    return file;
  }

  private byte[] digits(byte[] file, int at) {
    int from = at;
    while (from < file.length && (file[from] < '0' || file[from] > '9')) {
      from++;
    }
    int to = from;
    while (to < file.length && file[to] >= '0' && file[to] <= '9') {
      to++;
    }
    return splice(file, from, to - from, value());
  }

  private static byte[] splice(byte[] file, int at, int removed, byte[] added) {
    byte[] result = new byte[file.length - removed + added.length];
    System.arraycopy(file, 0, result, 0, at);
    System.arraycopy(added, 0, result, at, added.length);
    System.arraycopy(file, at + removed, result, at + added.length, file.length - at - removed);
    return result;
  }

  private static long resident(String key) throws IOException {
    for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
      if (line.startsWith(key)) {
        return Long.parseLong(line.replaceAll("[^0-9]", "")) << 10;
      }
    }
    return 0;
  }
}
