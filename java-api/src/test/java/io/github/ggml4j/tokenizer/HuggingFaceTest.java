package io.github.ggml4j.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import ai.djl.huggingface.tokenizers.jni.CharSpan;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.api.io.TempDir;

/**
 * Token for token against Hugging Face's own tokenizers, which read the files that {@link
 * Tokenizer#save} writes. A sample by default; {@code -Dggml4j.test.full=true} compares everything.
 */
class HuggingFaceTest {
  private static final boolean FULL = Boolean.getBoolean("ggml4j.test.full");
  private static final Tokenizer GPT2 = Tokenizer.gpt2();

  @TempDir private static Path folder;
  private static HuggingFaceTokenizer huggingFace;

  @BeforeAll
  static void load() throws IOException {
    System.setProperty("ai.djl.offline", "true");
    System.setProperty("OPT_OUT_TRACKING", "true");
    GPT2.save(folder);
    huggingFace = open(folder);
  }

  static HuggingFaceTokenizer open(Path folder) throws IOException {
    return HuggingFaceTokenizer.newInstance(
        folder.resolve("tokenizer.json"),
        Map.of("truncation", "false", "padding", "false", "addSpecialTokens", "true"));
  }

  @AfterAll
  static void close() {
    huggingFace.close();
  }

  @Test
  void everyCodePointAloneAndInContext() {
    int step = FULL ? 1 : 61;
    for (int c = 0; c <= Character.MAX_CODE_POINT; c++) {
      boolean surrogate = c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE;
      boolean border = c > 0 && CharacterClasses.of(c) != CharacterClasses.of(c - 1);
      if (surrogate || (c % step != 0 && !border && c > 0x300)) {
        continue;
      }
      String s = Character.toString(c);
      check(s);
      check("x" + s + "y 1" + s + "2  " + s + " " + s + s + "!" + s + "'s'" + s + "\n\n" + s + "Z");
      if (FULL) {
        check(" " + s);
        check("a" + s);
        check(s + "9");
        check(s + " .");
        check("  " + s + "   ");
      }
    }
  }

  @Test
  void randomStrings() {
    Random random = new Random(42);
    int count = FULL ? 200_000 : 5_000;
    for (int i = 0; i < count; i++) {
      check(RandomText.next(random, 60));
    }
  }

  @Test
  void randomIdsDecodeAlike() {
    Random random = new Random(7);
    for (int i = 0; i < (FULL ? 100_000 : 5_000); i++) {
      int[] ids = random.ints(1 + random.nextInt(12), 0, i % 2 == 0 ? 256 : 50257).toArray();
      long[] longs = Arrays.stream(ids).asLongStream().toArray();
      assertThat(GPT2.decode(ids))
          .as(Arrays.toString(ids))
          .isEqualTo(huggingFace.decode(longs, false));
      assertThat(GPT2.decode(ids, true)).isEqualTo(huggingFace.decode(longs, true));
      StreamingDecoder decoder = GPT2.streamingDecoder(false);
      StringBuilder streamed = new StringBuilder();
      for (int id : ids) {
        streamed.append(decoder.push(id));
      }
      assertThat(streamed.append(decoder.flush()).toString()).isEqualTo(GPT2.decode(ids));
    }
  }

  @Test
  void longWords() {
    Random random = new Random(3);
    for (int length : new int[] {47, 48, 49, 50, 100, 1000, 10_000, FULL ? 1_000_000 : 30_000}) {
      check("a".repeat(length));
      check(" ".repeat(length) + "x");
      StringBuilder word = new StringBuilder();
      for (int i = 0; i < length; i++) {
        word.append((char) ('a' + random.nextInt(26)));
      }
      check(word.toString());
      check(word.toString().replace('q', '\u00e9').replace('x', '\u4f60'));
    }
  }

  @Test
  void textAndCode(TestReporter reporter) throws IOException {
    long left = FULL ? 40L << 20 : 1L << 20;
    long bytes = 0;
    Path sources = Path.of(System.getProperty("java.home"), "lib", "src.zip");
    assumeTrue(Files.exists(sources), sources + " is missing: this Java has no sources");
    try (ZipFile zip = new ZipFile(sources.toFile())) {
      int every = FULL ? 5 : 199;
      List<? extends ZipEntry> entries =
          zip.stream().filter(e -> e.getName().endsWith(".java")).toList();
      for (int i = 0; i < entries.size() && bytes < left; i += every) {
        String text =
            new String(zip.getInputStream(entries.get(i)).readAllBytes(), StandardCharsets.UTF_8);
        check(text);
        bytes += text.length();
      }
    }
    if (FULL) {
      for (Path root : List.of(Path.of("/usr/lib/python3"), Path.of("/usr/lib/python3.11"))) {
        bytes += checkFiles(root, ".py");
      }
      String texts = System.getProperty("ggml4j.test.texts");
      if (texts != null) {
        bytes += checkFiles(Path.of(texts), ".txt");
      }
    }
    reporter.publishEntry("compared", String.format(Locale.ROOT, "%,d characters", bytes));
  }

  private static long checkFiles(Path root, String suffix) throws IOException {
    if (!Files.isDirectory(root)) {
      return 0;
    }
    long count = 0;
    try (Stream<Path> files = Files.walk(root)) {
      for (Path file :
          files.filter(f -> f.toString().endsWith(suffix) && Files.isRegularFile(f)).toList()) {
        String text = new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
        check(text);
        count += text.length();
      }
    }
    return count;
  }

  private static void check(String text) {
    same(GPT2, huggingFace, text);
  }

  /** Compares ids, offsets and decoded text. */
  static void same(Tokenizer ours, HuggingFaceTokenizer theirs, String text) {
    var expected = theirs.encode(text);
    Encoding encoding = ours.encode(text, EncodeOptions.defaults());
    int[] ids = encoding.ids();
    int[] expectedIds = Arrays.stream(expected.getIds()).mapToInt(Math::toIntExact).toArray();
    if (!Arrays.equals(ids, expectedIds) || !Arrays.equals(ids, ours.encode(text))) {
      int at = Math.max(0, Arrays.mismatch(ids, expectedIds));
      assertThat(Arrays.stream(ids).skip(at).limit(10).toArray())
          .as("ids from token %d of %s", at, describe(text))
          .isEqualTo(Arrays.stream(expectedIds).skip(at).limit(10).toArray());
      throw new AssertionError("encode differs with and without offsets for " + describe(text));
    }
    int[] utf16 = utf16(text);
    CharSpan[] spans = expected.getCharTokenSpans();
    for (int i = 0; i < ids.length; i++) {
      int start = spans[i] == null ? 0 : utf16[spans[i].getStart()];
      int end = spans[i] == null ? 0 : utf16[spans[i].getEnd()];
      if (start != encoding.start(i) || end != encoding.end(i)) {
        assertThat(List.of(encoding.start(i), encoding.end(i)))
            .as("offsets of token %d of %s", i, describe(text))
            .isEqualTo(List.of(start, end));
      }
    }
    String decoded = theirs.decode(expected.getIds(), false);
    if (!ours.decode(ids).equals(decoded)) {
      assertThat(ours.decode(ids)).as(describe(text)).isEqualTo(decoded);
    }
  }

  /** The UTF-16 index of each code point. */
  private static int[] utf16(String text) {
    int[] indexes = new int[text.codePointCount(0, text.length()) + 1];
    for (int i = 0, at = 0; at < text.length(); i++) {
      at += Character.charCount(text.codePointAt(at));
      indexes[i + 1] = at;
    }
    return indexes;
  }

  private static String describe(String text) {
    StringBuilder out = new StringBuilder();
    text.codePoints()
        .limit(200)
        .forEach(c -> out.append(c > 0x20 && c < 0x7f ? (char) c : "\\u{%x}".formatted(c)));
    return out.toString();
  }
}
