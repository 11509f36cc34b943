package io.github.ggml4j.generation;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;

/** A vocabulary of given pieces; the ids behind them have no text. */
final class FakeText implements TokenText {
  private final List<byte[]> pieces;
  private final int special;

  /** No text at all. */
  FakeText() {
    this(List.of(), -1);
  }

  FakeText(List<byte[]> pieces, int special) {
    this.pieces = pieces;
    this.special = special;
  }

  static FakeText of(String... pieces) {
    return new FakeText(
        Arrays.stream(pieces).map(piece -> piece.getBytes(StandardCharsets.UTF_8)).toList(), -1);
  }

  @Override
  public byte[] bytes(int token) {
    return token < pieces.size() ? pieces.get(token) : new byte[0];
  }

  @Override
  public boolean isSpecial(int token) {
    return token == special;
  }

  @Override
  public int[] encode(String text) {
    for (int i = 0; i < pieces.size(); i++) {
      if (new String(pieces.get(i), StandardCharsets.UTF_8).equals(text)) {
        return new int[] {i};
      }
    }
    return text.chars().toArray();
  }
}
