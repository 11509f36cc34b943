package io.github.ggml4j.tokenizer;

import java.util.List;
import java.util.Random;

/** Text that is nasty for tokenizers: every kind of character and what splitting looks at. */
final class RandomText {
  private static final List<String> PIECES =
      List.of(
          "'s",
          "'t",
          "'re",
          "'ve",
          "'m",
          "'ll",
          "'d",
          "'",
          "''",
          "'S",
          " ",
          "  ",
          "\n",
          "\r\n",
          "\t",
          "\u00a0",
          "\u2003",
          "\u0085",
          "the",
          " the",
          "Hello",
          "ing",
          "12",
          " 345",
          "!",
          "...",
          " (",
          "\u00e9",
          "\u00df",
          "\u0130",
          "\u4f60\u597d",
          "\u3000",
          "\u00b2",
          "\u0660",
          "\u216b",
          "\ud83d\ude00",
          "\ud83d\udc68\u200d\ud83d\udc69",
          "\ud835\udd4f",
          "e\u0301",
          "\u200b",
          "\ufeff",
          "\ufffd",
          "<|endoftext|>",
          "<|endoftext",
          "|>",
          "\u0000",
          "\u007f",
          "\u0e33");

  private RandomText() {}

  static String next(Random random, int pieces) {
    StringBuilder out = new StringBuilder();
    int count = random.nextInt(pieces);
    for (int i = 0; i < count; i++) {
      switch (random.nextInt(8)) {
        case 0 -> out.append((char) (0x20 + random.nextInt(0x5f)));
        case 1 -> out.append((char) ('a' + random.nextInt(26)));
        case 2 -> out.append((char) random.nextInt(0x300));
        case 3 -> {
          int c = random.nextInt(random.nextBoolean() ? 0x3400 : Character.MAX_CODE_POINT + 1);
          out.appendCodePoint(c >= 0xd800 && c < 0xe000 ? 'x' : c);
        }
        case 4 -> out.append(' ');
        default -> out.append(PIECES.get(random.nextInt(PIECES.size())));
      }
    }
    return out.toString();
  }
}
