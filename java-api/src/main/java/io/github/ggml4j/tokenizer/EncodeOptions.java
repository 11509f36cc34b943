package io.github.ggml4j.tokenizer;

import io.github.ggml4j.error.InvalidArgumentException;
import io.github.ggml4j.internal.Check;

/**
 * Options of encoding: special tokens, truncation and padding, as the arguments of Hugging Face's
 * tokenizers.
 *
 * @param addSpecialTokens whether the tokens of the tokenizer's post-processor are added; GPT-2 has
 *     none
 * @param parseSpecialTokens whether special tokens in the text become their ids; false for text
 *     that must not control the model (the opposite of {@code split_special_tokens}). Has no effect
 *     if the tokenizer's own files set {@code split_special_tokens}.
 * @param maxLength maximum number of tokens, added ones included; 0 for no limit
 * @param truncationSide the side at which longer texts are truncated
 * @param padding the length that shorter texts are padded to
 * @param paddingSide the side at which texts are padded; generation needs LEFT
 * @param padToMultipleOf the padded length is a multiple of this; 0 for any length
 */
public record EncodeOptions(
    boolean addSpecialTokens,
    boolean parseSpecialTokens,
    int maxLength,
    Side truncationSide,
    Padding padding,
    Side paddingSide,
    int padToMultipleOf) {
  /** A side of a text. */
  public enum Side {
    /** The beginning. */
    LEFT,
    /** The end. */
    RIGHT
  }

  /** The length that texts are padded to. */
  public enum Padding {
    /** No padding. */
    NONE,
    /** The longest text of the batch. */
    LONGEST,
    /** {@link EncodeOptions#maxLength()}. */
    MAX_LENGTH
  }

  private static final EncodeOptions DEFAULTS =
      new EncodeOptions(true, true, 0, Side.RIGHT, Padding.NONE, Side.RIGHT, 0);

  /**
   * Checks the values.
   *
   * @throws InvalidArgumentException if a length is negative, or {@code padding} is MAX_LENGTH
   *     without {@code maxLength}
   */
  public EncodeOptions {
    Check.atLeast("maxLength", maxLength, 0);
    Check.atLeast("padToMultipleOf", padToMultipleOf, 0);
    if (padding == Padding.MAX_LENGTH && maxLength == 0) {
      throw new InvalidArgumentException(
          "maxLength", maxLength, "at least 1 with {padding} MAX_LENGTH");
    }
  }

  /** No truncation and no padding; special tokens are added and parsed. */
  public static EncodeOptions defaults() {
    return DEFAULTS;
  }

  /** Sets whether the tokens of the post-processor are added. */
  public EncodeOptions withAddSpecialTokens(boolean add) {
    return new EncodeOptions(
        add, parseSpecialTokens, maxLength, truncationSide, padding, paddingSide, padToMultipleOf);
  }

  /** Sets whether special tokens in the text become their ids. */
  public EncodeOptions withParseSpecialTokens(boolean parse) {
    return new EncodeOptions(
        addSpecialTokens, parse, maxLength, truncationSide, padding, paddingSide, padToMultipleOf);
  }

  /** Truncates texts to a number of tokens; 0 for no limit. */
  public EncodeOptions withTruncation(int length, Side side) {
    return new EncodeOptions(
        addSpecialTokens, parseSpecialTokens, length, side, padding, paddingSide, padToMultipleOf);
  }

  /** Pads shorter texts. */
  public EncodeOptions withPadding(Padding to, Side side) {
    return new EncodeOptions(
        addSpecialTokens, parseSpecialTokens, maxLength, truncationSide, to, side, padToMultipleOf);
  }

  /** Sets a number of which the padded length is a multiple; 0 for any length. */
  public EncodeOptions withPadToMultipleOf(int tokens) {
    return new EncodeOptions(
        addSpecialTokens,
        parseSpecialTokens,
        maxLength,
        truncationSide,
        padding,
        paddingSide,
        tokens);
  }
}
