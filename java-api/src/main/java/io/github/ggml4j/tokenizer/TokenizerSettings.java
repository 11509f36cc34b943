package io.github.ggml4j.tokenizer;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** How a tokenizer treats text around its vocabulary. Set while its files are read, never again. */
final class TokenizerSettings {
  /** Whether text between added tokens starts with a space. */
  boolean addPrefixSpace;

  /** Whether text is split into words. */
  boolean splitWords = true;

  /** Whether offsets leave white space out. */
  boolean trimOffsets;

  /** Whether a space at the beginning of the text stays in its token's offsets. */
  boolean keepFirstSpace;

  /** Ids that are put before a text. */
  List<Integer> before = List.of();

  /** Ids that are put behind it. */
  List<Integer> after = List.of();

  /** The token for bytes that the vocabulary lacks. */
  @Nullable String unknownToken;

  /** Whether neighbouring unknown bytes become one token. */
  boolean fuseUnknown;

  /** The post-processor as {@code tokenizer.json} has it. */
  @Nullable Object postProcessor;

  /** {@code tokenizer_config.json} as read. */
  Map<String, @Nullable Object> config = Map.of();
}
