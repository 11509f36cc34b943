package io.github.ggml4j.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.ggml4j.format.ModelFormatException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Loads thousands of damaged tokenizers. Each must load and work, or end in {@link
 * ModelFormatException}. Every run makes the same files.
 */
class TokenizerMutationTest {
  private static final int TOKENIZERS = 10_000;
  private static final int PARTS = 3_000;
  private static final int CONFIGS = 3_000;

  private static final String[] VALUES = {
    "null",
    "true",
    "-1",
    "0",
    "256",
    "2147483647",
    "4294967296",
    "1e999",
    "1.5",
    "99999999999999999999",
    "[]",
    "{}",
    "\"\"",
    "\"\\ud800\"",
    "\"BPE\"",
    "\"WordPiece\"",
    "\"Unigram\"",
    "\"ByteLevel\"",
    "\"Sequence\"",
    "\"a b\"",
    "[\"a\",\"b\"]",
    "[\"\",\"a\"]",
    "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
    "{\"type\":\"NFC\"}",
    "{\"content\":\"\"}",
    "\"\\u0000\"",
    "\u0000",
    "\u00ff\u00fe"
  };

  @TempDir Path folder;

  @Test
  void tokenizerJson() throws IOException {
    mutate(1, TOKENIZERS, "tokenizer.json");
  }

  @Test
  void vocabularyAndMerges() throws IOException {
    writeWhole();
    Files.delete(folder.resolve("tokenizer.json"));
    mutate(2, PARTS, "vocab.json");
    mutate(3, PARTS, "merges.txt");
  }

  @Test
  void configurations() throws IOException {
    writeWhole();
    mutate(4, CONFIGS, "tokenizer_config.json");
    mutate(5, CONFIGS / 3, "special_tokens_map.json");
  }

  private void mutate(long seed, int count, String name) throws IOException {
    SplittableRandom random = new SplittableRandom(seed);
    Path path = folder.resolve(name);
    byte[] whole = Objects.requireNonNull(small().files().get(name), name);
    int loaded = 0;
    for (int i = 0; i < count; i++) {
      Files.write(path, mutant(whole, random));
      try {
        use(Tokenizer.load(folder));
        loaded++;
      } catch (ModelFormatException e) {
        assertThat(e.getMessage()).hasSizeBetween(20, 2000).contains(folder.toString());
      } catch (RuntimeException | StackOverflowError | OutOfMemoryError e) {
        Path kept = Files.createTempFile("mutant", name);
        Files.copy(path, kept, java.nio.file.StandardCopyOption.REPLACE_EXISTING);
        throw new AssertionError("mutant " + i + " of seed " + seed + ", kept as " + kept, e);
      }
    }
    Files.write(path, whole);
    assertThat(loaded).as("files that still load").isBetween(1, count - count / 20);
  }

  /** What loads must work, whatever it means. */
  private static void use(Tokenizer tokenizer) {
    String text = " the <|endoftext|> cat's 42 \u00e9\ud83d\ude00 [PAD]\n\n ";
    int[] ids = tokenizer.encode(text);
    tokenizer.decode(ids);
    tokenizer.encode(text, EncodeOptions.defaults());
    for (int id : ids) {
      assertThat(id).isBetween(0, tokenizer.vocabSize() - 1);
    }
    assertThat(tokenizer.toString()).isNotEmpty();
  }

  private void writeWhole() throws IOException {
    for (Map.Entry<String, byte[]> file : small().files().entrySet()) {
      Files.write(folder.resolve(file.getKey()), file.getValue());
    }
  }

  /** 256 bytes, some merges and added tokens of every kind. */
  private static Tokenizer small() {
    List<String> tokens = new ArrayList<>(Tokenizer.gpt2().tokens().subList(0, 256));
    List<String> merges = List.of("t h", "th e", "\u0120 the", "c a", "ca t", "' s", "4 2");
    merges.forEach(merge -> tokens.add(merge.replace(" ", "")));
    tokens.add("<|endoftext|>");
    int size = tokens.size();
    tokens.add("[PAD]");
    tokens.add("<b>");
    List<AddedToken> added =
        List.of(
            new AddedToken(size - 1, "<|endoftext|>", false, false, false, false, true),
            new AddedToken(size, "[PAD]", true, false, true, false, true),
            new AddedToken(size + 1, "<b>", false, true, false, true, false));
    return Tokenizer.of(tokens, merges, added, size - 1, size - 1, size);
  }

  /** One to three damages. */
  private static byte[] mutant(byte[] original, SplittableRandom random) {
    byte[] file = original.clone();
    int damages = 1 + random.nextInt(3);
    for (int d = 0; d < damages && file.length > 0; d++) {
      int at = random.nextInt(file.length);
      file =
          switch (random.nextInt(8)) {
            case 0 -> flipped(file, at, (byte) (file[at] ^ 1 << random.nextInt(8)));
            case 1 -> flipped(file, at, (byte) random.nextInt(256));
            case 2 -> Arrays.copyOf(file, at);
            case 3 -> splice(file, at, Math.min(file.length - at, random.nextInt(40)), new byte[0]);
            case 4 -> splice(file, at, 0, piece(file, random));
            case 5 -> withoutLine(file, at);
            default -> withValue(file, at, VALUES[random.nextInt(VALUES.length)]);
          };
    }
    return file;
  }

  private static byte[] flipped(byte[] file, int at, byte value) {
    byte[] flipped = file.clone();
    flipped[at] = value;
    return flipped;
  }

  /** A piece of the file itself, so that names and tokens appear twice. */
  private static byte[] piece(byte[] file, SplittableRandom random) {
    int from = random.nextInt(file.length);
    return Arrays.copyOfRange(file, from, Math.min(file.length, from + random.nextInt(80)));
  }

  /** Leaves out the line around a place, so that tokens and members are missing. */
  private static byte[] withoutLine(byte[] file, int at) {
    int from = at;
    while (from > 0 && file[from - 1] != '\n') {
      from--;
    }
    int to = at;
    while (to < file.length && file[to] != '\n') {
      to++;
    }
    to = Math.min(to + 1, file.length);
    return to - from > 200
        ? flipped(file, at, (byte) ',')
        : splice(file, from, to - from, new byte[0]);
  }

  /** Puts another value in the place of the next one behind a colon, comma or bracket. */
  private static byte[] withValue(byte[] file, int at, String value) {
    int from = at;
    while (from < file.length && ":,[".indexOf(file[from]) < 0) {
      from++;
    }
    from = Math.min(from + 1, file.length);
    int to = from;
    while (to < file.length && ",]}\n".indexOf(file[to]) < 0) {
      to++;
    }
    return splice(file, from, to - from, value.getBytes(StandardCharsets.ISO_8859_1));
  }

  private static byte[] splice(byte[] file, int at, int removed, byte[] added) {
    ByteArrayOutputStream out = new ByteArrayOutputStream(file.length + added.length);
    out.write(file, 0, at);
    out.writeBytes(added);
    out.write(file, at + removed, file.length - at - removed);
    return out.toByteArray();
  }
}
