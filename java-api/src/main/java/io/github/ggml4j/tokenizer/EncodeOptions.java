package io.github.ggml4j.tokenizer;

/**
 * How text is encoded: special tokens, truncation and padding, as the arguments of Hugging Face's
 * tokenizers.
 *
 * @param addSpecialTokens adds what the tokenizer's post-processor adds to a text; GPT-2's adds
 *     nothing
 * @param parseSpecialTokens whether special tokens that stand in the text become their ids; false
 *     for text that must not control the model ({@code split_special_tokens} there)
 * @param maxLength the most tokens that are kept, added ones included, or 0 for all
 * @param truncationSide the end at which too long texts lose tokens
 * @param padding up to which length texts are filled with the padding token
 * @param paddingSide the end at which they are filled; generation wants LEFT
 * @param padToMultipleOf a length of which the padded length is a multiple, or 0
 */
public record EncodeOptions(
    boolean addSpecialTokens,
    boolean parseSpecialTokens,
    int maxLength,
    Side truncationSide,
    Padding padding,
    Side paddingSide,
    int padToMultipleOf) {
  /** An end of a text. */
  public enum Side {
    /** The beginning. */
    LEFT,
    /** The end. */
    RIGHT
  }

  /** The length that texts are filled up to. */
  public enum Padding {
    /** None is filled. */
    NONE,
    /** The longest of the batch. */
    LONGEST,
    /** {@link EncodeOptions#maxLength()}. */
    MAX_LENGTH
  }

  private static final EncodeOptions DEFAULTS =
      new EncodeOptions(true, true, 0, Side.RIGHT, Padding.NONE, Side.RIGHT, 0);

  /**
   * Checks the values.
   *
   * @throws IllegalArgumentException when a length is negative, or padding to the maximal length is
   *     asked for without one
   */
  public EncodeOptions {
    if (maxLength < 0) {
      throw new IllegalArgumentException(
          "maxLength is " + maxLength + "; expected tokens, or 0 for all.");
    }
    if (padToMultipleOf < 0) {
      throw new IllegalArgumentException(
          "padToMultipleOf is " + padToMultipleOf + "; expected tokens, or 0.");
    }
    if (padding == Padding.MAX_LENGTH && maxLength == 0) {
      throw new IllegalArgumentException(
          "padding is MAX_LENGTH and maxLength is 0; expected a length. Set maxLength.");
    }
  }

  /** Everything in the text, neither cut nor filled. */
  public static EncodeOptions defaults() {
    return DEFAULTS;
  }

  /** Whether the post-processor's tokens are added. */
  public EncodeOptions withAddSpecialTokens(boolean add) {
    return new EncodeOptions(
        add, parseSpecialTokens, maxLength, truncationSide, padding, paddingSide, padToMultipleOf);
  }

  /** Whether special tokens in the text become their ids. */
  public EncodeOptions withParseSpecialTokens(boolean parse) {
    return new EncodeOptions(
        addSpecialTokens, parse, maxLength, truncationSide, padding, paddingSide, padToMultipleOf);
  }

  /** Keeps this many tokens at most; what is above is cut at a side. */
  public EncodeOptions withTruncation(int length, Side side) {
    return new EncodeOptions(
        addSpecialTokens, parseSpecialTokens, length, side, padding, paddingSide, padToMultipleOf);
  }

  /** Fills shorter texts at a side. */
  public EncodeOptions withPadding(Padding to, Side side) {
    return new EncodeOptions(
        addSpecialTokens, parseSpecialTokens, maxLength, truncationSide, to, side, padToMultipleOf);
  }

  /** Makes the padded length a multiple of a number of tokens. */
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
