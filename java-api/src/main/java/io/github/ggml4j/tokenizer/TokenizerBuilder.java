package io.github.ggml4j.tokenizer;

import io.github.ggml4j.format.ModelFormatException;
import io.github.ggml4j.internal.Names;
import io.github.ggml4j.internal.StrictUtf8;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Collects the parts of a tokenizer from its files and checks that they fit together. */
final class TokenizerBuilder {
  /** More tokens than any vocabulary has; bounds the memory that a hostile file can claim. */
  static final int MAX_TOKENS = 1 << 21;

  private static final System.Logger LOG = System.getLogger(TokenizerBuilder.class.getName());

  /** Ids of the vocabulary and of the appended tokens. */
  private final Map<String, Integer> ids = new HashMap<>();

  /** The halves of each merge by rank: left, right, left, right. */
  private final List<String> merges = new ArrayList<>();

  private final Map<Integer, AddedToken> added = new HashMap<>();

  /** Contents of the special tokens. */
  private final Set<String> special = new HashSet<>();

  private final BitSet addedOnly = new BitSet();

  /** Ids that have a token. */
  private final BitSet used = new BitSet();

  private final String source;
  private int lastAdded = -1;
  private @Nullable Integer bos;
  private @Nullable Integer eos;
  private @Nullable Integer pad;
  final TokenizerSettings settings = new TokenizerSettings();

  /**
   * @param source name of the file, for messages
   */
  TokenizerBuilder(String source) {
    this.source = source;
  }

  /** Adds a token of the vocabulary. */
  void token(String token, int id) {
    if (id < 0 || id >= MAX_TOKENS) {
      throw bad(
          "token " + Names.quote(token) + " has id " + id, "an id from 0 to " + (MAX_TOKENS - 1));
    }
    if (!StrictUtf8.isWellFormed(token)) {
      throw bad("token " + id + " contains an unpaired surrogate", "valid Unicode text");
    }
    Integer before = ids.put(token, id);
    if (before != null) {
      throw bad("token " + Names.quote(token) + " has the ids " + before + " and " + id, "one id");
    }
    used.set(id);
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

  /** {@link #add} for tokens whose ids must be those that they get. */
  void addExactly(List<AddedToken> tokens) {
    for (AddedToken token : tokens) {
      if (token.content().isEmpty()) {
        continue; // never matches
      }
      Integer known = ids.get(token.content());
      String name = "added token " + Names.quote(token.content()) + " has id " + token.id();
      if (known != null && known != token.id()) {
        throw bad(name, known + ", its id in the vocabulary");
      }
      if (known == null) {
        int id = nextId();
        if (id != token.id()) {
          throw token.id() >= 0 && used.get(token.id())
              ? bad(name + ", which stands for another token", id + ", the next free id")
              : bad(name, id + ", the next free id");
        }
      }
      add(List.of(token));
    }
  }

  /**
   * Adds tokens that are matched as a whole, by the rules of {@code AddedVocabulary.add_tokens} of
   * Hugging Face's tokenizers. A token that the vocabulary has keeps its id; others are appended. A
   * token that is added again gets the new flags, but stays special.
   *
   * @param tokens ids are ignored; a warning reports an id from 0 on that is not the one assigned
   */
  void add(List<AddedToken> tokens) {
    for (AddedToken token : tokens) {
      if (token.special()) {
        special.add(token.content());
      }
    }
    for (AddedToken token : tokens) {
      String content = token.content();
      if (content.isEmpty()) {
        continue; // never matches
      }
      Integer known = ids.get(content);
      int id = known == null ? nextId() : known;
      if (known == null) {
        token(content, id);
        addedOnly.set(id);
      }
      if (token.id() >= 0 && token.id() != id) {
        LOG.log(
            System.Logger.Level.WARNING,
            () ->
                source
                    + ": added token "
                    + Names.quote(content)
                    + " is given id "
                    + token.id()
                    + " in another file, but gets id "
                    + id
                    + ", as in transformers");
      }
      lastAdded = Math.max(lastAdded, id);
      added.put(
          id,
          new AddedToken(
              id,
              content,
              token.singleWord(),
              token.lstrip(),
              token.rstrip(),
              token.normalized(),
              special.contains(content)));
    }
  }

  /**
   * The id of the next token that is appended: the number of tokens in the vocabulary, or one more
   * than the last added token. In a vocabulary with gaps in its ids that id may be in use; then it
   * is one more than the highest.
   */
  private int nextId() {
    int vocabulary = ids.size() - addedOnly.cardinality();
    int next = Math.max(vocabulary, lastAdded + 1);
    return used.get(next) ? used.length() : next;
  }

  /** The id of a token, or null. */
  @Nullable Integer id(String token) {
    return ids.get(token);
  }

  boolean hasEveryByte() {
    for (int b = 0; b < 256; b++) {
      if (!ids.containsKey(String.valueOf(ByteLevel.character(b)))) {
        return false;
      }
    }
    return true;
  }

  TokenizerBuilder bos(@Nullable Integer id) {
    bos = id;
    return this;
  }

  TokenizerBuilder eos(@Nullable Integer id) {
    eos = id;
    return this;
  }

  TokenizerBuilder pad(@Nullable Integer id) {
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
      lefts[rank] = half(rank, left);
      rights[rank] = half(rank, right);
      table.put(lefts[rank], rights[rank], rank, half(rank, left.concat(right)));
    }
    String unknown = settings.unknownToken;
    int unknownId = unknown == null ? -1 : ids.getOrDefault(unknown, -1);
    Map<String, Integer> words = settings.ignoreMerges ? vocabulary() : null;
    List<AddedToken> ordered = new ArrayList<>(added.values());
    ordered.sort(Comparator.comparingInt(AddedToken::id));
    return new TokenizerModel(
        decoded,
        tokens,
        lefts,
        rights,
        new Bpe(byteIds, table, unknownId, settings.fuseUnknown, words),
        List.copyOf(ordered),
        checked("bos", bos),
        checked("eos", eos),
        checked("pad", pad),
        addedOnly,
        settings);
  }

  /** The tokens that BPE can produce, by spelling. */
  private Map<String, Integer> vocabulary() {
    Map<String, Integer> words = new HashMap<>(ids);
    words.values().removeIf(addedOnly::get);
    return Map.copyOf(words);
  }

  private String[] byId() {
    if (ids.isEmpty()) {
      throw bad("has no tokens", "a vocabulary");
    }
    String[] tokens = new String[used.length()];
    Arrays.fill(tokens, "");
    for (Map.Entry<String, Integer> entry : ids.entrySet()) {
      String before = tokens[entry.getValue()];
      if (!before.isEmpty()) {
        throw bad(
            "id "
                + entry.getValue()
                + " stands for "
                + Names.quote(before)
                + " and "
                + Names.quote(entry.getKey()),
            "one token for each id");
      }
      tokens[entry.getValue()] = entry.getKey();
    }
    return tokens;
  }

  private int half(int rank, String token) {
    Integer id = ids.get(token);
    if (id == null || addedOnly.get(id)) {
      throw bad(
          "merge " + rank + " needs the token " + Names.quote(token) + ", which is not there",
          "a vocabulary with both halves of each merge and their union");
    }
    return id;
  }

  /** Checks an id that a file names. */
  void checkId(String name, int id) {
    if (id < 0 || id >= used.length()) {
      throw bad(name + " names id " + id, "0 to " + (used.length() - 1));
    }
  }

  private int checked(String name, @Nullable Integer id) {
    if (id == null) {
      return -1;
    }
    if (id < 0 || id >= used.length()) {
      throw bad("the " + name + " token has id " + id, "0 to " + (used.length() - 1));
    }
    return id;
  }

  ModelFormatException bad(String found, String expected) {
    return ModelFormatException.of(
        source, found, expected, "Fetch the tokenizer's files again or correct them.");
  }
}
