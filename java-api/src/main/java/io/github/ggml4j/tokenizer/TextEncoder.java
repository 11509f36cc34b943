package io.github.ggml4j.tokenizer;

import io.github.ggml4j.tokenizer.internal.Utf8;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Encodes text: finds added tokens, splits the text between them into words, and encodes each word
 * by BPE. Immutable and thread-safe.
 */
final class TextEncoder {
  private final Bpe bpe;
  private final TokenizerSettings settings;

  /** Finds the added tokens that are not {@code normalized}; these are matched first. */
  private final AddedTokenMatcher first;

  /** Finds the {@code normalized} ones in the text between. */
  private final AddedTokenMatcher second;

  TextEncoder(TokenizerModel model) {
    this.bpe = model.bpe();
    this.settings = model.settings();
    this.first =
        new AddedTokenMatcher(model.added().stream().filter(t -> !t.normalized()).toList());
    this.second =
        new AddedTokenMatcher(model.added().stream().filter(AddedToken::normalized).toList());
  }

  /** The ids of a text, with the ids that the settings add around it. */
  int[] ids(String text) {
    Run run = new Run(text, !settings.splitSpecialTokens, false);
    settings.before.forEach(run.ids::add);
    run.run();
    settings.after.forEach(run.ids::add);
    return run.ids.toArray();
  }

  /**
   * The ids of a text with their offsets, nothing added around it.
   *
   * @param parseSpecial whether special tokens in the text become their ids
   */
  Encoding encode(String text, boolean parseSpecial) {
    Run run = new Run(text, parseSpecial, true);
    run.run();
    return run.encoding();
  }

  /** Encodes one text. */
  private final class Run implements AddedTokenMatcher.Sink {
    private final String text;
    private final boolean parseSpecial;
    private final Ints ids;

    /** Start of each token in the text, or null without offsets. */
    private final @Nullable Ints starts;

    /** End of each token in the text, or null without offsets. */
    private final @Nullable Ints ends;

    /** UTF-8 of the current word. */
    private byte[] word = new byte[96];

    /** Start of the character of each unit of the word's spelling, see {@link Bpe#width}. */
    private int[] unitStarts = {};

    /** End of the character of each unit. */
    private int[] unitEnds = {};

    Run(String text, boolean parseSpecial, boolean withOffsets) {
      this.text = text;
      this.parseSpecial = parseSpecial;
      this.ids = new Ints(text.length() / 3);
      this.starts = withOffsets ? new Ints(text.length() / 3) : null;
      this.ends = withOffsets ? new Ints(text.length() / 3) : null;
    }

    void run() {
      first.split(
          text,
          0,
          text.length(),
          parseSpecial,
          new AddedTokenMatcher.Sink() {
            @Override
            public void text(int start, int end) {
              second.split(text, start, end, parseSpecial, Run.this);
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
      split(start, end, 0);
    }

    /** Applies the splits of the settings from an index on, then encodes each piece. */
    private void split(int start, int end, int index) {
      if (index == settings.splits.size()) {
        piece(start, end);
        return;
      }
      for (int i = start; i < end; ) {
        int next = settings.splits.get(index).endOfPiece(text, i, end);
        split(i, next, index + 1);
        i = next;
      }
    }

    private void piece(int start, int end) {
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
     * @param prefixed if a space was put before the text: start of the text without it; otherwise
     *     -1
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
          findUnits(from, i, next, prefixed);
          int tokenStart = 0;
          for (int tokenEnd : encoded.ends()) {
            starts.add(unitStarts[tokenStart]);
            ends.add(unitEnds[tokenEnd - 1]);
            tokenStart = tokenEnd;
          }
        }
        i = next;
      }
    }

    /** Finds the character of each unit of a word's spelling. */
    private void findUnits(String from, int start, int end, int prefixed) {
      int most = 2 * word.length;
      if (unitStarts.length < most) {
        unitStarts = new int[most];
        unitEnds = new int[most];
      }
      int shift = prefixed < 0 ? 0 : prefixed - 1;
      int units = 0;
      int bytes = 0;
      int i = start;
      while (i < end) {
        int codePoint = CharacterClasses.codePointAt(from, i);
        int length = codePoint > 0xffff ? 2 : 1;
        int charStart = i + shift;
        int charEnd = charStart + length;
        if (prefixed >= 0 && i == 0) {
          // The space that was added has the offsets of the first character.
          charStart = prefixed;
          charEnd = prefixed + (CharacterClasses.codePointAt(from, 1) > 0xffff ? 2 : 1);
        }
        for (int left = Utf8.length(codePoint); left > 0; left--) {
          int unitEnd = units + Bpe.width(word[bytes++]);
          Arrays.fill(unitStarts, units, unitEnd, charStart);
          Arrays.fill(unitEnds, units, unitEnd, charEnd);
          units = unitEnd;
        }
        i += length;
      }
    }
  }
}
