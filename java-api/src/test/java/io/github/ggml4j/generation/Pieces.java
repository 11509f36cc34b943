package io.github.ggml4j.generation;

import io.github.ggml4j.tokenizer.AddedToken;
import io.github.ggml4j.tokenizer.Tokenizer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A tokenizer whose tokens are given pieces of bytes.
 *
 * @param ids the token of each piece; equal pieces share one
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
record Pieces(Tokenizer tokenizer, int[] ids) {
  static Pieces of(String... pieces) {
    return of(
        Arrays.stream(pieces).map(piece -> piece.getBytes(StandardCharsets.UTF_8)).toList(), null);
  }

  /** Each byte of a text is a piece. */
  static Pieces ofBytes(byte... bytes) {
    var pieces = new byte[bytes.length][];
    Arrays.setAll(pieces, i -> new byte[] {bytes[i]});
    return of(List.of(pieces), null);
  }

  /**
   * Pieces, of which the last may be a special token.
   *
   * @param special text of the last piece if it is a special token; else null
   */
  static Pieces of(List<byte[]> pieces, @Nullable String special) {
    var tokens = new LinkedHashMap<String, Integer>();
    int[] ids =
        pieces.stream()
            .mapToInt(piece -> tokens.computeIfAbsent(byteLevel(piece), _ -> tokens.size()))
            .toArray();
    List<AddedToken> added =
        special == null ? List.of() : List.of(AddedToken.special(ids[ids.length - 1], special));
    return new Pieces(
        Tokenizer.of(List.copyOf(tokens.keySet()), List.of(), added, null, null, null), ids);
  }

  /** GPT-2's notation of bytes as characters. */
  private static String byteLevel(byte[] bytes) {
    var result = new StringBuilder();
    for (byte b : bytes) {
      int value = b & 0xFF;
      if (isPrintable(value)) {
        result.append((char) value);
      } else {
        int before = 0;
        for (int i = 0; i < value; i++) {
          before += isPrintable(i) ? 0 : 1;
        }
        result.append((char) (256 + before));
      }
    }
    return result.toString();
  }

  private static boolean isPrintable(int value) {
    return (value >= '!' && value <= '~')
        || (value >= 0xA1 && value <= 0xAC)
        || (value >= 0xAE && value <= 0xFF);
  }
}
