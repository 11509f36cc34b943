package io.github.ggml4j.tokenizer;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Reads the members {@code normalizer} and {@code pre_tokenizer} of {@code tokenizer.json}. */
final class PreTokenizerReader {
  /** GPT-2's regular expression, as OpenAI's encoder.py and as tiktoken have it. */
  private static final Set<String> WORDS =
      Set.of(
          "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
          "'(?:[sdmt]|ll|ve|re)| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+");

  private static final String SUPPORTED =
      "'ByteLevel', or a 'Sequence' of 'Digits', 'Split' with GPT-2's expression, and 'ByteLevel'"
          + " at the end";

  private final String source;
  private final List<PreSplit> splits = new ArrayList<>();
  private @Nullable Map<?, ?> byteLevel;

  private PreTokenizerReader(String source) {
    this.source = source;
  }

  /** Whether a normalizer does nothing. */
  static boolean isNoNormalizer(@Nullable Object value) {
    return value == null
        || (value instanceof Map<?, ?> map
            && "Sequence".equals(map.get("type"))
            && map.get("normalizers") instanceof List<?> parts
            && parts.stream().allMatch(PreTokenizerReader::isNoNormalizer));
  }

  /** Whether a pre-tokenizer is {@code ByteLevel} alone, that of GPT-2. */
  static boolean isGpt2(@Nullable Object value, boolean addPrefixSpace) {
    return value instanceof Map<?, ?> map
        && "ByteLevel".equals(map.get("type"))
        && !Boolean.FALSE.equals(map.get("use_regex"))
        && addPrefixSpace != Boolean.FALSE.equals(map.get("add_prefix_space"));
  }

  /** Reads a pre-tokenizer into settings. */
  static void read(String source, @Nullable Object value, TokenizerSettings settings) {
    PreTokenizerReader reader = new PreTokenizerReader(source);
    reader.read(value);
    Map<?, ?> options = reader.byteLevel;
    if (options == null) {
      throw reader.unsupported(value);
    }
    settings.splits = List.copyOf(reader.splits);
    settings.preTokenizer = settings.splits.isEmpty() ? null : value;
    settings.addPrefixSpace = TokenizerFiles.flag(source, options, "add_prefix_space", true);
    settings.splitWords = TokenizerFiles.flag(source, options, "use_regex", true);
  }

  private void read(@Nullable Object value) {
    // After ByteLevel the text consists of spelled bytes.
    if (!(value instanceof Map<?, ?> options) || byteLevel != null) {
      throw unsupported(value);
    }
    switch (String.valueOf(options.get("type"))) {
      case "ByteLevel" -> byteLevel = options;
      case "Sequence" -> {
        if (!(options.get("pretokenizers") instanceof List<?> parts)) {
          throw TokenizerFiles.wrongType(
              source, "pre_tokenizer.pretokenizers", options.get("pretokenizers"), "a list");
        }
        parts.forEach(this::read);
      }
      case "Digits" ->
          splits.add(
              TokenizerFiles.flag(source, options, "individual_digits", false)
                  ? PreSplit.EACH_DIGIT
                  : PreSplit.DIGIT_RUNS);
      case "Split" -> {
        if (!splitsWords(options)) {
          throw TokenizerFiles.unsupported(
              source,
              "pre_tokenizer is 'Split' with pattern "
                  + TokenizerFiles.describe(expression(options))
                  + " and behavior "
                  + TokenizerFiles.describe(options.get("behavior")),
              "GPT-2's expression and behavior 'Isolated'");
        }
        splits.add(PreSplit.WORDS);
      }
      default -> throw unsupported(value);
    }
  }

  private boolean splitsWords(Map<?, ?> options) {
    // Each character belongs to a match, so that these give the same pieces.
    boolean keepsMatches =
        "Isolated".equals(options.get("behavior"))
            || ("Removed".equals(options.get("behavior"))
                && TokenizerFiles.flag(source, options, "invert", false));
    return keepsMatches && expression(options) instanceof String text && WORDS.contains(text);
  }

  private static @Nullable Object expression(Map<?, ?> options) {
    return options.get("pattern") instanceof Map<?, ?> pattern ? pattern.get("Regex") : null;
  }

  private RuntimeException unsupported(@Nullable Object value) {
    return TokenizerFiles.unsupported(
        source, "pre_tokenizer is " + TokenizerFiles.typeOf(value), SUPPORTED);
  }
}
