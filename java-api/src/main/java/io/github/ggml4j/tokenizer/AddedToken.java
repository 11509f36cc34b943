package io.github.ggml4j.tokenizer;

/**
 * A token that is matched as a whole before the text is split into words, as Hugging Face's {@code
 * AddedToken}.
 *
 * @param id the token's id
 * @param content the text that the token stands for
 * @param singleWord matches only if no word character is next to it
 * @param lstrip the match includes white space on the left
 * @param rstrip the match includes white space on the right
 * @param normalized matched after the tokens without this flag
 * @param special a control token such as {@code <|endoftext|>}; decoding can leave it out
 */
public record AddedToken(
    int id,
    String content,
    boolean singleWord,
    boolean lstrip,
    boolean rstrip,
    boolean normalized,
    boolean special) {
  /** A special token without other flags. */
  public static AddedToken special(int id, String content) {
    return new AddedToken(id, content, false, false, false, false, true);
  }

  AddedToken withId(int newId) {
    return new AddedToken(newId, content, singleWord, lstrip, rstrip, normalized, special);
  }

  AddedToken asSpecial() {
    return new AddedToken(id, content, singleWord, lstrip, rstrip, normalized, true);
  }
}
