package io.github.ggml4j.tokenizer;

import io.github.ggml4j.format.ModelFormatException;
import io.github.ggml4j.internal.Names;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a tokenizer consists of.
 *
 * @param decoded the bytes of every token by id
 * @param spelled every token as its file spells it, or null when all are spelled bytes
 * @param lefts the left id of each merge in order of rank
 * @param rights the right id of each merge
 * @param bpe the encoder of single words
 * @param added tokens found in the text as a whole, by id
 * @param bosId beginning of text, or -1
 * @param eosId end of text, or -1
 * @param padId padding, or -1
 * @param addedOnly ids of added tokens that the vocabulary itself does not have
 * @param settings the treatment of text around the vocabulary
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
record TokenizerModel(
    byte[][] decoded,
    String @Nullable [] spelled,
    int[] lefts,
    int[] rights,
    Bpe bpe,
    List<AddedToken> added,
    int bosId,
    int eosId,
    int padId,
    BitSet addedOnly,
    TokenizerSettings settings) {
  static final byte[] NO_BYTES = {};

  /** More than any vocabulary holds, so that hostile files stay small in memory. */
  static final int MOST_TOKENS = 1 << 21;

  int size() {
    return decoded.length;
  }

  TokenizerModel withPadId(int id) {
    return new TokenizerModel(
        decoded, spelled, lefts, rights, bpe, added, bosId, eosId, id, addedOnly, settings);
  }

  byte[] bytes(int id) {
    return decoded[id];
  }

  String token(int id) {
    return spelled == null ? ByteLevel.spell(decoded[id]) : spelled[id];
  }

  String merge(int rank) {
    return token(lefts[rank]) + " " + token(rights[rank]);
  }

  /** Collects the parts of a tokenizer and checks that they fit together. */
  static final class Builder {
    private final Map<String, Integer> ids = new HashMap<>();

    /** The halves of each merge: left, right, left, right. */
    private final List<String> merges = new ArrayList<>();

    private final Map<Integer, AddedToken> added = new HashMap<>();
    private final String source;
    private @Nullable Integer bos;
    private @Nullable Integer eos;
    private @Nullable Integer pad;
    private final BitSet addedOnly = new BitSet();
    final TokenizerSettings settings = new TokenizerSettings();

    /**
     * @param source name of the file for error messages
     */
    Builder(String source) {
      this.source = source;
    }

    void token(String token, int id) {
      if (id < 0 || id >= MOST_TOKENS) {
        throw bad(
            "token " + Names.quote(token) + " has id " + id,
            "an id from 0 to " + (MOST_TOKENS - 1));
      }
      if (!isWellFormed(token)) {
        throw bad("token " + id + " holds half a surrogate pair", "valid Unicode text");
      }
      Integer before = ids.put(token, id);
      if (before != null) {
        throw bad(
            "token " + Names.quote(token) + " has the ids " + before + " and " + id, "one id");
      }
    }

    /** Adds the merge of the next rank: two tokens separated by a space. */
    void merge(String merge) {
      int gap = merge.indexOf(' ', 1);
      if (gap < 0 || gap == merge.length() - 1 || merge.indexOf(' ', gap + 1) >= 0) {
        throw bad(
            "merge " + merges.size() / 2 + " is " + Names.quote(merge),
            "two tokens separated by a space");
      }
      merge(merge.substring(0, gap), merge.substring(gap + 1));
    }

    /** Adds the merge of the next rank. */
    void merge(String left, String right) {
      if (left.isEmpty() || right.isEmpty() || left.indexOf(' ') >= 0 || right.indexOf(' ') >= 0) {
        throw bad(
            "merge "
                + merges.size() / 2
                + " is of "
                + Names.quote(left)
                + " and "
                + Names.quote(right),
            "two tokens without spaces");
      }
      merges.add(left);
      merges.add(right);
    }

    void added(AddedToken token) {
      if (token.content().isEmpty()) {
        return; // never matches; Hugging Face ignores it too
      }
      Integer known = ids.get(token.content());
      if (known == null) {
        token(token.content(), token.id());
        addedOnly.set(token.id());
      } else if (known != token.id()) {
        throw bad(
            "added token " + Names.quote(token.content()) + " has id " + token.id(),
            known + ", its id in the vocabulary");
      }
      added.put(token.id(), token);
    }

    /** As {@link #added}, unless the same id was added before. */
    void addedIfNew(AddedToken token) {
      if (!added.containsKey(token.id())) {
        added(token);
      }
    }

    @Nullable Integer id(String token) {
      return ids.get(token);
    }

    Builder bos(@Nullable Integer id) {
      bos = id;
      return this;
    }

    Builder eos(@Nullable Integer id) {
      eos = id;
      return this;
    }

    Builder pad(@Nullable Integer id) {
      pad = id;
      return this;
    }

    TokenizerModel build() {
      String[] tokens = byId();
      byte[][] decoded = new byte[tokens.length][];
      for (int id = 0; id < tokens.length; id++) {
        decoded[id] = ByteLevel.bytes(tokens[id]);
      }
      int[] byteIds = new int[256];
      for (int b = 0; b < 256; b++) {
        byteIds[b] = ids.getOrDefault(String.valueOf(ByteLevel.character(b)), -1);
      }
      int[] lefts = new int[merges.size() / 2];
      int[] rights = new int[lefts.length];
      MergeTable table = new MergeTable(lefts.length);
      for (int rank = 0; rank < lefts.length; rank++) {
        String left = merges.get(2 * rank);
        String right = merges.get(2 * rank + 1);
        lefts[rank] = part(rank, left);
        rights[rank] = part(rank, right);
        table.put(lefts[rank], rights[rank], rank, part(rank, left.concat(right)));
      }
      String unknown = settings.unknownToken;
      int unknownId = unknown == null ? -1 : ids.getOrDefault(unknown, -1);
      List<AddedToken> ordered = new ArrayList<>(added.values());
      ordered.sort(Comparator.comparingInt(AddedToken::id));
      return new TokenizerModel(
          decoded,
          tokens,
          lefts,
          rights,
          new Bpe(byteIds, table, unknownId, settings.fuseUnknown),
          List.copyOf(ordered),
          checked("bos", bos),
          checked("eos", eos),
          checked("pad", pad),
          addedOnly,
          settings);
    }

    private String[] byId() {
      if (ids.isEmpty()) {
        throw bad("has no tokens", "a vocabulary");
      }
      @Nullable String[] tokens = new @Nullable String[ids.size()];
      for (Map.Entry<String, Integer> entry : ids.entrySet()) {
        int id = entry.getValue();
        if (id >= tokens.length) {
          throw bad(
              tokens.length
                  + " tokens reach up to id "
                  + id
                  + " for "
                  + Names.quote(entry.getKey()),
              "every id from 0 on to have a token of its own");
        }
        String before = tokens[id];
        if (before != null) {
          throw bad(
              "id "
                  + id
                  + " stands for "
                  + Names.quote(before)
                  + " and "
                  + Names.quote(entry.getKey()),
              "one token for each id");
        }
        tokens[id] = entry.getKey();
      }
      // As many tokens as ids, none above and none twice: all are there.
      return Arrays.copyOf(tokens, tokens.length, String[].class);
    }

    private int part(int rank, String token) {
      Integer id = ids.get(token);
      if (id == null) {
        throw bad(
            "merge " + rank + " needs the token " + Names.quote(token) + ", which is not there",
            "a vocabulary with both halves of each merge and their union");
      }
      return id;
    }

    /** Checks an id that stands in a file. */
    void checkId(String name, int id) {
      if (id < 0 || id >= ids.size()) {
        throw bad(name + " names id " + id, "0 to " + (ids.size() - 1));
      }
    }

    private int checked(String name, @Nullable Integer id) {
      if (id == null) {
        return -1;
      }
      if (id < 0 || id >= ids.size()) {
        throw bad("the " + name + " token has id " + id, "0 to " + (ids.size() - 1));
      }
      return id;
    }

    ModelFormatException bad(String found, String expected) {
      return ModelFormatException.of(
          source, found, expected, "Fetch the tokenizer's files again or correct them.");
    }

    private static boolean isWellFormed(String text) {
      for (int i = 0; i < text.length(); i++) {
        char c = text.charAt(i);
        if (Character.isSurrogate(c)) {
          if (!Character.isHighSurrogate(c)
              || i + 1 == text.length()
              || !Character.isLowSurrogate(text.charAt(i + 1))) {
            return false;
          }
          i++;
        }
      }
      return true;
    }
  }
}
