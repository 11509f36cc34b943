package io.github.ggml4j.tokenizer;

import java.util.BitSet;

/** Excludes the white space around tokens from their offsets. Immutable and thread-safe. */
final class OffsetTrimmer {
  private final TokenizerModel model;
  private final BitSet added = new BitSet();

  OffsetTrimmer(TokenizerModel model) {
    this.model = model;
    model.added().forEach(token -> added.set(token.id()));
  }

  /**
   * As {@code process_offsets} of Hugging Face's {@code ByteLevel}: applied after truncation, and
   * to added tokens including their stripped white space.
   */
  Encoding trim(Encoding encoding, String text) {
    int[] from = new int[encoding.length()];
    int[] to = new int[encoding.length()];
    int[] ids = encoding.ids();
    for (int i = 0; i < ids.length; i++) {
      int start = encoding.start(i);
      int end = encoding.end(i);
      String token = added.get(ids[i]) ? text.substring(start, end) : model.token(ids[i]);
      int leading = 0;
      while (leading < token.length() && isSpace(token.charAt(leading))) {
        leading++;
      }
      int trailing = 0;
      while (trailing < token.length() && isSpace(token.charAt(token.length() - 1 - trailing))) {
        trailing++;
      }
      if (leading > 0) {
        boolean kept = model.settings().keepFirstSpace && (i == 0 || start == 0);
        start = kept ? start : Math.min(move(text, start, leading), end);
      }
      end = Math.max(move(text, end, -trailing), start);
      from[i] = start;
      to[i] = end;
    }
    return new Encoding(ids, from, to, new boolean[ids.length], 0, 0);
  }

  /**
   * Moves an index by code points. Returns it unchanged if the text has too few before it: an added
   * prefix space has the offsets of the first character, which may be a surrogate pair.
   */
  private static int move(String text, int index, int codePoints) {
    int moved = index;
    for (int left = codePoints; left > 0; left--) {
      if (moved == text.length()) {
        return moved;
      }
      moved += Character.charCount(text.codePointAt(moved));
    }
    for (int left = codePoints; left < 0; left++) {
      if (moved == 0) {
        return index;
      }
      moved -= Character.charCount(text.codePointBefore(moved));
    }
    return moved;
  }

  private static boolean isSpace(char c) {
    return c == '\u0120' || (CharacterClasses.of(c) & CharacterClasses.STRIPPED) != 0;
  }
}
