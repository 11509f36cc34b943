package io.github.ggml4j.tokenizer;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How a tokenizer treats text before and after BPE. Set while its files are read, not changed
 * afterwards.
 */
final class TokenizerSettings {
  /** Splits of the text before a space is added and words are formed, in this order. */
  List<PreSplit> splits = List.of();

  /** Whether each piece of text starts with a space. */
  boolean addPrefixSpace;

  /** Whether pieces of text are split into words. */
  boolean splitWords = true;

  /** Whether special tokens in the text are treated as ordinary text. */
  boolean splitSpecialTokens;

  /** Whether offsets exclude the white space around a token. */
  boolean trimOffsets;

  /** Whether the offsets of the first token include a leading space all the same. */
  boolean keepFirstSpace;

  /** Ids that are added before a text. */
  List<Integer> before = List.of();

  /** Ids that are added after a text. */
  List<Integer> after = List.of();

  /** The token for bytes that the vocabulary lacks; null drops them. */
  @Nullable String unknownToken;

  /** Whether consecutive unknown bytes become one token. */
  boolean fuseUnknown;

  /** Whether a word that is in the vocabulary becomes that token without merges. */
  boolean ignoreMerges;

  /** The member {@code pre_tokenizer} of {@code tokenizer.json} if {@link #splits} are used. */
  @Nullable Object preTokenizer;

  /** The member {@code post_processor} of {@code tokenizer.json}. */
  @Nullable Object postProcessor;

  /** The tokens that the files name, such as {@code unk_token}; null if no files were read. */
  @Nullable Map<String, String> named;

  /** {@code tokenizer_config.json} as read. */
  Map<String, @Nullable Object> config = Map.of();

  /** Whether transformers' {@code GPT2Tokenizer} has these settings if it reads them back. */
  boolean isGpt2() {
    return splits.isEmpty() && splitWords && unknownToken == null && !fuseUnknown && !ignoreMerges;
  }

  /** A copy that adds other ids around a text. */
  TokenizerSettings withAround(List<Integer> newBefore, List<Integer> newAfter) {
    TokenizerSettings copy = copy();
    copy.before = newBefore;
    copy.after = newAfter;
    return copy;
  }

  /** A copy that adds a prefix space to pieces of text, or does not. */
  TokenizerSettings withPrefixSpace(boolean add) {
    TokenizerSettings copy = copy();
    copy.addPrefixSpace = add;
    copy.postProcessor = postProcessor;
    return copy;
  }

  /** A copy without {@link #postProcessor}. */
  private TokenizerSettings copy() {
    TokenizerSettings copy = new TokenizerSettings();
    copy.splits = splits;
    copy.addPrefixSpace = addPrefixSpace;
    copy.splitWords = splitWords;
    copy.splitSpecialTokens = splitSpecialTokens;
    copy.trimOffsets = trimOffsets;
    copy.keepFirstSpace = keepFirstSpace;
    copy.before = before;
    copy.after = after;
    copy.unknownToken = unknownToken;
    copy.fuseUnknown = fuseUnknown;
    copy.ignoreMerges = ignoreMerges;
    copy.preTokenizer = preTokenizer;
    copy.named = named;
    copy.config = config;
    return copy;
  }
}
