package io.github.ggml4j.tokenizer;

import io.github.ggml4j.tokenizer.internal.Utf8;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Turns text into tokens: added tokens are found first, what stands between them is split into
 * words, and each word is encoded. Immutable and thread-safe.
 */
final class TextEncoder {
  private final Bpe bpe;
  private final TokenizerSettings settings;
  private final AddedTokenMatcher early;
  private final AddedTokenMatcher late;

  TextEncoder(TokenizerModel model) {
    this.bpe = model.bpe();
    this.settings = model.settings();
    this.early =
        new AddedTokenMatcher(model.added().stream().filter(t -> !t.normalized()).toList());
    this.late =
        new AddedTokenMatcher(model.added().stream().filter(AddedToken::normalized).toList());
  }

  /** The ids of a text between others. */
  int[] ids(List<Integer> before, String text, List<Integer> after) {
    Run run = new Run(text, true, false);
    before.forEach(run.ids::add);
    run.run();
    after.forEach(run.ids::add);
    return run.ids.toArray();
  }

  /**
   * The ids of a text with the characters that each stands for.
   *
   * @param parseSpecial whether special tokens are looked for
   */
  Encoding encode(String text, boolean parseSpecial) {
    Run run = new Run(text, parseSpecial, true);
    run.run();
    return run.encoding();
  }

  /** One run over one text. */
  private final class Run implements AddedTokenMatcher.Sink {
    private final String text;
    private final boolean parseSpecial;
    private final Ints ids;

    /** Where each token begins and ends, or null when nobody asks. */
    private final @Nullable Ints starts;

    private final @Nullable Ints ends;
    private byte[] word = new byte[96];

    /** The place in the text of each piece of the word's spelling, see {@link Bpe#width}. */
    private int[] placeStarts = {};

    private int[] placeEnds = {};

    Run(String text, boolean parseSpecial, boolean withOffsets) {
      this.text = text;
      this.parseSpecial = parseSpecial;
      this.ids = new Ints(text.length() / 3);
      this.starts = withOffsets ? new Ints(text.length() / 3) : null;
      this.ends = withOffsets ? new Ints(text.length() / 3) : null;
    }

    void run() {
      early.split(
          text,
          0,
          text.length(),
          parseSpecial,
          new AddedTokenMatcher.Sink() {
            @Override
            public void text(int start, int end) {
              late.split(text, start, end, parseSpecial, Run.this);
            }

            @Override
            public void token(AddedToken token, int start, int end) {
              Run.this.token(token, start, end);
            }
          });
    }

    Encoding encoding() {
      int[] from = Objects.requireNonNull(starts).toArray();
      int[] to = Objects.requireNonNull(ends).toArray();
      return new Encoding(ids.toArray(), from, to, new boolean[from.length], 0, 0);
    }

    @Override
    public void text(int start, int end) {
      if (settings.addPrefixSpace && text.charAt(start) != ' ') {
        words(" " + text.substring(start, end), 0, end - start + 1, start);
      } else {
        words(text, start, end, -1);
      }
    }

    @Override
    public void token(AddedToken token, int start, int end) {
      ids.add(token.id());
      if (starts != null && ends != null) {
        starts.add(start);
        ends.add(end);
      }
    }

    /**
     * Encodes text word by word.
     *
     * @param prefixed where the text begins in the whole text when a space was put before it, or -1
     */
    private void words(String from, int start, int end, int prefixed) {
      boolean splits = settings.splitWords;
      int i = start;
      while (i < end) {
        int next = splits ? WordSplitter.endOfWord(from, i, end) : end;
        if (word.length < 3L * (next - i)) {
          word = new byte[Math.toIntExact(3L * (next - i))];
        }
        Bpe.Word encoded = bpe.encode(word, Utf8.encode(from, i, next, word));
        ids.add(encoded.ids());
        if (starts != null && ends != null) {
          findPlaces(from, i, next, prefixed);
          int tokenStart = 0;
          for (int tokenEnd : encoded.ends()) {
            starts.add(placeStarts[tokenStart]);
            ends.add(placeEnds[tokenEnd - 1]);
            tokenStart = tokenEnd;
          }
        }
        i = next;
      }
    }

    /** Finds the character of each piece of a word's spelling. */
    private void findPlaces(String from, int start, int end, int prefixed) {
      int most = 2 * word.length;
      if (placeStarts.length < most) {
        placeStarts = new int[most];
        placeEnds = new int[most];
      }
      int shift = prefixed < 0 ? 0 : prefixed - 1;
      int pieces = 0;
      int bytes = 0;
      int i = start;
      while (i < end) {
        int codePoint = CharacterClasses.codePointAt(from, i);
        int length = codePoint > 0xffff ? 2 : 1;
        int placeStart = i + shift;
        int placeEnd = placeStart + length;
        if (prefixed >= 0 && i == 0) {
          // The space that was put there has the place of the first character.
          placeStart = prefixed;
          placeEnd = prefixed + (CharacterClasses.codePointAt(from, 1) > 0xffff ? 2 : 1);
        }
        for (int left = Utf8.length(codePoint); left > 0; left--) {
          int pieceEnd = pieces + Bpe.width(word[bytes++]);
          Arrays.fill(placeStarts, pieces, pieceEnd, placeStart);
          Arrays.fill(placeEnds, pieces, pieceEnd, placeEnd);
          pieces = pieceEnd;
        }
        i += length;
      }
    }
  }
}
