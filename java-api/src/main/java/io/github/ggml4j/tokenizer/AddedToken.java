package io.github.ggml4j.tokenizer;

/**
 * A token that is found in the text as a whole, before the text is split into words; as Hugging
 * Face's {@code AddedToken}.
 *
 * @param id the token's id
 * @param content the text that it stands for
 * @param singleWord match only where no word character stands beside it
 * @param lstrip take the white space before it along
 * @param rstrip take the white space after it along
 * @param normalized match after the other tokens only (GPT-2 normalizes nothing)
 * @param special a control token such as {@code <|endoftext|>}, left out of decoded text on request
 */
public record AddedToken(
    int id,
    String content,
    boolean singleWord,
    boolean lstrip,
    boolean rstrip,
    boolean normalized,
    boolean special) {
  /** A special token without further flags. */
  public static AddedToken special(int id, String content) {
    return new AddedToken(id, content, false, false, false, false, true);
  }
}
