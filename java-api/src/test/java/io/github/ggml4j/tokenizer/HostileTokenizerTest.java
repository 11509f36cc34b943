package io.github.ggml4j.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.ggml4j.format.ModelFormatException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Each hostile file is refused for a reason that names the file and the value. */
class HostileTokenizerTest {
  private static final String TOKENIZER =
      """
      {"version": "1.0", "truncation": null, "padding": null,
       "added_tokens": [
         {"id": 8, "content": "<s>", "single_word": false, "lstrip": true, "rstrip": false,
          "normalized": false, "special": true}],
       "normalizer": null,
       "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "use_regex": true},
       "post_processor": {"type": "TemplateProcessing",
         "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A"}}],
         "special_tokens": {"<s>": {"id": "<s>", "ids": [8], "tokens": ["<s>"]}}},
       "decoder": {"type": "ByteLevel"},
       "model": {"type": "BPE", "dropout": null, "unk_token": null, "fuse_unk": false,
         "vocab": {"a": 0, "b": 1, "c": 2, "\\u0120": 3, "ab": 4, "\\u0120ab": 5, "abc": 6,
                   "\\u0120c": 7},
         "merges": [["a", "b"], "\\u0120 ab", ["ab", "c"], "\\u0120 c"]}}
      """;
  private static final String VOCABULARY =
      "{\"a\": 0, \"b\": 1, \"c\": 2, \"\\u0120\": 3, \"ab\": 4, \"<|endoftext|>\": 5}";
  private static final String MERGES = "#version: 0.2\na b\n";

  /** One thing in the file is replaced. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "`\"BPE\"` | `\"WordPiece\"` | model.type is 'WordPiece'; expected 'BPE'",
        "`\"BPE\"` | 7 | model.type is '7'",
        "`\"a\": 0,` | `\"a\": 1,` | id 1 stands for",
        "`\"abc\": 6,` | `\"abc\": -6,` | has id -1",
        "`\"abc\": 6,` | `\"abc\": 4000000000,` | has id -1",
        "`\"abc\": 6,` | `\"abc\": 2000000000,` | has id 2000000000; expected an id from 0 to",
        "`\"abc\": 6,` | `\"abc\": 6.5,` | the id of token 'abc' is '6.5'",
        "`\"abc\": 6,` | `\"abc\": \"6\",` | the id of token 'abc' is '6'",
        "`\"abc\": 6,` | `\"ab\": 6,` | token 'ab' has the ids 4 and 6",
        "`\"abc\": 6,` | `\"\\ud800\": 6,` | is not valid JSON",
        "`[\"ab\", \"c\"]` | `[\"ab\", \"d\"]` | merge 2 needs the token 'd', which is not there",
        "`[\"ab\", \"c\"]` | `[\"b\", \"c\"]` | merge 2 needs the token 'bc'",
        "`[\"ab\", \"c\"]` | `\"abc\"` | merge 2 is 'abc'; expected two tokens separated",
        "`[\"ab\", \"c\"]` | `[\"ab\", \"c\", \"a\"]` | expected two tokens",
        "`[\"ab\", \"c\"]` | 3 | expected two tokens",
        "`\"normalizer\": null` | `\"normalizer\": {\"type\": \"NFC\"}` | normalizer is 'NFC'",
        "`{\"type\": \"ByteLevel\", \"add` | `{\"type\": \"Metaspace\", \"add` | pre_tokenizer is",
        "`{\"type\": \"ByteLevel\"}` | `null` | decoder is null; expected 'ByteLevel'",
        "`\"id\": 8` | `\"id\": 7` | added token '<s>' has id 7, which stands for another token; expected 8",
        "`\"content\": \"<s>\"` | `\"content\": \"ab\"` | added token 'ab' has id 8; expected 4",
        "`\"content\": \"<s>\"` | `\"content\": 5` | content of added token 8 is '5'",
        "`\"lstrip\": true` | `\"lstrip\": \"yes\"` | lstrip is 'yes'; expected true or false",
        "`\"ids\": [8]` | `\"ids\": [900]` | post_processor names id 900",
        "`\"dropout\": null` | `\"dropout\": 0.1` | model.dropout is '0.1'",
        "`\"vocab\": {` | `\"vocab\": [` | is not valid JSON",
      })
  void saysWhatIsWrong(String find, String replacement, String message, @TempDir Path folder)
      throws IOException {
    String text = TOKENIZER.replace(find, replacement);
    assertThat(text).isNotEqualTo(TOKENIZER);
    Path file = Files.writeString(folder.resolve("tokenizer.json"), text);
    assertThatThrownBy(() -> Tokenizer.load(folder))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageStartingWith(file.toString())
        .hasMessageContaining(message);
  }

  @Test
  void saysWhatIsMissing(@TempDir Path folder) throws IOException {
    assertRefused(folder, "has no tokenizer.json, no vocab.json and no encoder.json");
    Files.writeString(folder.resolve("vocab.json"), VOCABULARY);
    assertRefused(folder, "merges.txt: does not exist");
    Files.write(folder.resolve("merges.txt"), new byte[] {'a', ' ', (byte) 0xff});
    assertRefused(folder, "merges.txt: is not valid UTF-8");
    Files.writeString(folder.resolve("merges.txt"), "a b\n\n");
    assertRefused(folder, "merge 1 is ''");
    Files.writeString(folder.resolve("merges.txt"), MERGES);
    assertThat(Tokenizer.load(folder).encode("ab")).containsExactly(4);
    Files.writeString(folder.resolve("tokenizer_config.json"), "{\"eos_token\": 7}");
    assertRefused(folder, "eos_token is '7'; expected a token");
    Files.writeString(folder.resolve("tokenizer_config.json"), "{\"tokenizer_class\": 7}");
    assertRefused(folder, "tokenizer_class is '7'; expected the name of a class");
  }

  @Test
  void deepHugeAndEndlessFilesAreRefused(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("tokenizer.json");
    Files.writeString(file, "{\"normalizer\": " + "[".repeat(1_000_000));
    assertRefused(folder, "is not valid JSON");
    Files.writeString(file, TOKENIZER + "{}");
    assertRefused(folder, "the end is");
    try (var channel =
        Files.newByteChannel(
            file, StandardOpenOption.WRITE, StandardOpenOption.TRUNCATE_EXISTING)) {
      channel.position(3L << 30).write(ByteBuffer.wrap(new byte[] {'}'}));
    }
    assertRefused(folder, "bytes; expected at most");
  }

  @Test
  void mergesThatGoInCirclesEnd() {
    // a + a = aa only; whatever the order, every merge makes a longer token.
    Tokenizer tokenizer =
        Tokenizer.of(
            List.of("a", "aa", "aaa", "aaaa"),
            List.of("aa aa", "aaa a", "a aaa", "aa a", "a aa", "a a"),
            List.of(),
            null,
            null,
            null);
    assertThat(tokenizer.decode(tokenizer.encode("a".repeat(100_001)))).hasSize(100_001);
  }

  private static void assertRefused(Path folder, String message) {
    assertThatThrownBy(() -> Tokenizer.load(folder))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageStartingWith(folder.toString())
        .hasMessageContaining(message);
  }
}
