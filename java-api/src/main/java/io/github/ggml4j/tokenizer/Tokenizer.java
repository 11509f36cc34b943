package io.github.ggml4j.tokenizer;

import io.github.ggml4j.format.ModelFormatException;
import io.github.ggml4j.format.internal.AtomicFiles;
import io.github.ggml4j.tokenizer.internal.Utf8;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * GPT-2's tokenizer: byte-level BPE, the same ids as Hugging Face's {@code GPT2TokenizerFast}.
 *
 * <p>Text is UTF-16; an unpaired surrogate counts as U+FFFD. Immutable and thread-safe.
 */
public final class Tokenizer {
  private final TokenizerModel model;
  private final Bpe bpe;
  private final AddedTokenMatcher early;
  private final AddedTokenMatcher late;
  private final boolean[] special;
  private final BitSet added = new BitSet();
  private volatile @Nullable Map<String, Integer> ids;

  Tokenizer(TokenizerModel model) {
    this.model = model;
    this.bpe = model.bpe();
    this.early =
        new AddedTokenMatcher(model.added().stream().filter(t -> !t.normalized()).toList());
    this.late =
        new AddedTokenMatcher(model.added().stream().filter(AddedToken::normalized).toList());
    this.special = new boolean[model.size()];
    for (AddedToken token : model.added()) {
      special[token.id()] = token.special();
      added.set(token.id());
    }
  }

  /** GPT-2's own vocabulary of 50,257 tokens, which is part of this library. */
  public static Tokenizer gpt2() {
    return Gpt2Vocabulary.TOKENIZER;
  }

  /**
   * Reads the tokenizer of a Hugging Face folder: {@code tokenizer.json}, or else {@code
   * vocab.json} with {@code merges.txt}; besides {@code tokenizer_config.json} and {@code
   * special_tokens_map.json} where they exist.
   *
   * @throws ModelFormatException when there is none, or one that is damaged or not GPT-2's kind
   * @throws java.io.UncheckedIOException when a file cannot be read
   */
  public static Tokenizer load(Path folder) {
    return new Tokenizer(TokenizerFiles.read(folder));
  }

  /**
   * A tokenizer from lists, as a GGUF file holds them.
   *
   * @param tokens every token by id, in GPT-2's byte-to-character notation; added tokens as they
   *     are
   * @param merges pairs in order of rank, the two halves separated by a space
   * @param added the tokens that are found in the text as a whole
   * @param bosTokenId id of the beginning of text, or null
   * @param eosTokenId id of the end of text, or null
   * @param padTokenId id for padding, or null for that of the end of text
   * @throws ModelFormatException when the parts do not fit together
   */
  public static Tokenizer of(
      List<String> tokens,
      List<String> merges,
      List<AddedToken> added,
      @Nullable Integer bosTokenId,
      @Nullable Integer eosTokenId,
      @Nullable Integer padTokenId) {
    TokenizerModel.Builder builder = new TokenizerModel.Builder("tokenizer");
    for (int id = 0; id < tokens.size(); id++) {
      builder.token(tokens.get(id), id);
    }
    merges.forEach(builder::merge);
    added.forEach(builder::added);
    return new Tokenizer(builder.bos(bosTokenId).eos(eosTokenId).pad(padTokenId).build());
  }

  /** The ids of a text; added tokens in it, such as {@code <|endoftext|>}, become their own ids. */
  public int[] encode(String text) {
    Encoder encoder = new Encoder(text, true, false);
    encoder.addAll(model.settings().before);
    encoder.run();
    encoder.addAll(model.settings().after);
    return encoder.ids.toArray();
  }

  /**
   * A text's ids with their places in it.
   *
   * @throws IllegalArgumentException when the maximal length leaves no room for the added special
   *     tokens, or padding is asked for and there is neither a padding token nor one that ends
   *     texts
   */
  public Encoding encode(String text, EncodeOptions options) {
    return pad(encodeUnpadded(text, options), options, 0);
  }

  /**
   * As {@link #encode(String, EncodeOptions)} for many texts, on all processors; {@link
   * EncodeOptions.Padding#LONGEST} fills all to the longest of them.
   */
  public List<Encoding> encodeBatch(List<String> texts, EncodeOptions options) {
    List<Encoding> encodings =
        texts.parallelStream().map(text -> encodeUnpadded(text, options)).toList();
    int longest = encodings.stream().mapToInt(Encoding::length).max().orElse(0);
    return encodings.stream().map(encoding -> pad(encoding, options, longest)).toList();
  }

  private Encoding encodeUnpadded(String text, EncodeOptions options) {
    List<Integer> before = options.addSpecialTokens() ? model.settings().before : List.of();
    List<Integer> after = options.addSpecialTokens() ? model.settings().after : List.of();
    Encoder encoder = new Encoder(text, options.parseSpecialTokens(), true);
    encoder.run();
    Encoding encoding = encoder.encoding();
    if (options.maxLength() > 0) {
      int room = options.maxLength() - before.size() - after.size();
      if (room < 0) {
        throw new IllegalArgumentException(
            "maxLength is "
                + options.maxLength()
                + "; expected at least "
                + (before.size() + after.size())
                + ", the number of special tokens that are added.");
      }
      encoding = encoding.truncated(room, options.truncationSide());
    }
    if (model.settings().trimOffsets) {
      encoding = trimmed(encoding, text);
    }
    return encoding.surrounded(before, after);
  }

  /**
   * As {@code process_offsets} of Hugging Face's {@code ByteLevel}, which looks at what is left
   * after truncation, and at added tokens with the white space that they take along.
   */
  private Encoding trimmed(Encoding encoding, String text) {
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
   * An index moved by code points, or as it was when the text has too few: the space put before a
   * text has the place of its first character, which may be a surrogate pair.
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

  private Encoding pad(Encoding encoding, EncodeOptions options, int longest) {
    int length =
        switch (options.padding()) {
          case NONE -> 0;
          case LONGEST -> Math.max(longest, encoding.length());
          case MAX_LENGTH -> options.maxLength();
        };
    int multiple = options.padToMultipleOf();
    if (multiple > 0) {
      length = Math.toIntExact((length + multiple - 1L) / multiple * multiple);
    }
    if (length > encoding.length() && padTokenId() < 0) {
      throw new IllegalArgumentException(
          "Padding to "
              + length
              + " tokens; expected a tokenizer with a padding token or an end of text. Choose"
              + " Padding.NONE.");
    }
    return encoding.padded(length, options.paddingSide(), padTokenId());
  }

  /** The text of ids; see {@link #decode(int[], boolean)}. Special tokens appear in it. */
  public String decode(int... tokens) {
    return decode(tokens, false);
  }

  /**
   * The text of ids. Bytes that are no UTF-8 become U+FFFD; ids at or above {@link #vocabSize()}
   * become nothing, as in Hugging Face's decoder, since a model may have more rows than the
   * vocabulary has tokens.
   *
   * @param skipSpecialTokens leaves {@code <|endoftext|>} and its like out
   * @throws IllegalArgumentException when an id is negative
   */
  public String decode(int[] tokens, boolean skipSpecialTokens) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(4 * tokens.length);
    for (int id : tokens) {
      bytes.writeBytes(bytes(id, skipSpecialTokens));
    }
    StringBuilder text = new StringBuilder(bytes.size());
    Utf8.decode(bytes.toByteArray(), 0, bytes.size(), true, text);
    return text.toString();
  }

  /** A decoder for tokens that come one by one, special tokens left out. */
  public StreamingDecoder streamingDecoder() {
    return streamingDecoder(true);
  }

  /** A decoder for tokens that come one by one. */
  public StreamingDecoder streamingDecoder(boolean skipSpecialTokens) {
    return new StreamingDecoder(this, skipSpecialTokens);
  }

  /** The number of tokens, added ones included; ids are 0 to {@code vocabSize() - 1}. */
  public int vocabSize() {
    return model.size();
  }

  /** The id of the token that begins a text, or -1. */
  public int bosTokenId() {
    return model.bosId();
  }

  /** The id of the token that ends a text, or -1. */
  public int eosTokenId() {
    return model.eosId();
  }

  /** The id that fills up batches: the padding token's, or else that which ends a text, or -1. */
  public int padTokenId() {
    return model.padId() >= 0 ? model.padId() : model.eosId();
  }

  /**
   * This tokenizer with another padding token: {@code pad_token = eos_token} is {@code
   * withPadTokenId(eosTokenId())}.
   *
   * @throws IllegalArgumentException when there is no such id
   */
  public Tokenizer withPadTokenId(int id) {
    if (id < 0 || id >= model.size()) {
      throw new IllegalArgumentException(
          "Padding token id " + id + "; expected 0 to " + (model.size() - 1) + ".");
    }
    return new Tokenizer(model.withPadId(id));
  }

  /** The tokens that are found in the text as a whole, by id. */
  public List<AddedToken> addedTokens() {
    return model.added();
  }

  /** Every token by id, as {@link #idToToken} gives it. */
  public List<String> tokens() {
    return IntStream.range(0, model.size()).mapToObj(model::token).toList();
  }

  /** The merges in order of rank, the two halves separated by a space, as in merges.txt. */
  public List<String> merges() {
    return IntStream.range(0, model.lefts().length).mapToObj(model::merge).toList();
  }

  /**
   * The files by which Hugging Face's transformers knows this tokenizer: {@code tokenizer.json},
   * {@code vocab.json}, {@code merges.txt}, {@code tokenizer_config.json} and {@code
   * special_tokens_map.json}, by name.
   */
  public Map<String, byte[]> files() {
    return new TokenizerWriter(this, model).files();
  }

  /**
   * Writes {@link #files()}, each of which appears whole or not at all.
   *
   * @param folder made if it does not exist
   * @throws java.io.UncheckedIOException when it cannot be written
   */
  public void save(Path folder) {
    try (AtomicFiles files = new AtomicFiles()) {
      Files.createDirectories(folder);
      files().forEach((name, bytes) -> files.stage(folder.resolve(name), out -> out.write(bytes)));
      files.commit();
    } catch (IOException e) {
      throw AtomicFiles.cannotWrite(folder, e);
    }
  }

  /** The id of a token in GPT-2's byte-to-character notation, or -1. */
  public int tokenToId(String token) {
    Map<String, Integer> map = ids;
    if (map == null) {
      map = new HashMap<>(2 * model.size());
      for (int id = 0; id < model.size(); id++) {
        map.put(model.token(id), id);
      }
      ids = map;
    }
    return map.getOrDefault(token, -1);
  }

  /**
   * A token in GPT-2's byte-to-character notation; added tokens as they are.
   *
   * @throws IllegalArgumentException when there is no such id
   */
  public String idToToken(int id) {
    if (id < 0 || id >= model.size()) {
      throw new IllegalArgumentException(
          "Token id " + id + "; expected 0 to " + (model.size() - 1) + ".");
    }
    return model.token(id);
  }

  /** Size and special ids. */
  @Override
  public String toString() {
    return "Tokenizer["
        + vocabSize()
        + " tokens, bos "
        + bosTokenId()
        + ", eos "
        + eosTokenId()
        + ", pad "
        + padTokenId()
        + "]";
  }

  /**
   * The UTF-8 bytes that a token decodes to, perhaps a part of a character. The array is shared:
   * for reading only. An id at or above {@link #vocabSize()} has none.
   *
   * @param skipSpecialTokens whether special tokens have none either
   * @throws IllegalArgumentException when the id is negative
   */
  public byte[] bytes(int id, boolean skipSpecialTokens) {
    if (id < 0) {
      throw new IllegalArgumentException(
          "Token id " + id + "; expected 0 or more. Leave ignored labels out before decoding.");
    }
    if (id >= special.length || (skipSpecialTokens && special[id])) {
      return TokenizerModel.NO_BYTES;
    }
    return model.bytes(id);
  }

  /** One run over one text. */
  private final class Encoder implements AddedTokenMatcher.Sink {
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

    Encoder(String text, boolean parseSpecial, boolean withOffsets) {
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
              late.split(text, start, end, parseSpecial, Encoder.this);
            }

            @Override
            public void token(AddedToken token, int start, int end) {
              Encoder.this.token(token, start, end);
            }
          });
    }

    void addAll(List<Integer> more) {
      more.forEach(ids::add);
    }

    Encoding encoding() {
      int[] from = Objects.requireNonNull(starts).toArray();
      int[] to = Objects.requireNonNull(ends).toArray();
      return new Encoding(ids.toArray(), from, to, new boolean[from.length], 0, 0);
    }

    @Override
    public void text(int start, int end) {
      if (model.settings().addPrefixSpace && text.charAt(start) != ' ') {
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
      boolean splits = model.settings().splitWords;
      int i = start;
      while (i < end) {
        int next = splits ? WordSplitter.endOfWord(from, i, end) : end;
        int length = utf8(from, i, next); // may replace word
        Bpe.Word encoded = bpe.encode(word, length);
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
        for (int left = utf8Length(codePoint); left > 0; left--) {
          int pieceEnd = pieces + Bpe.width(word[bytes++]);
          Arrays.fill(placeStarts, pieces, pieceEnd, placeStart);
          Arrays.fill(placeEnds, pieces, pieceEnd, placeEnd);
          pieces = pieceEnd;
        }
        i += length;
      }
    }

    private static int utf8Length(int codePoint) {
      return codePoint < 0x80 ? 1 : codePoint < 0x800 ? 2 : codePoint <= 0xffff ? 3 : 4;
    }

    /** Writes UTF-8 into {@link #word} and returns its length. */
    private int utf8(String from, int start, int end) {
      if (word.length < 3L * (end - start)) {
        word = new byte[Math.toIntExact(3L * (end - start))];
      }
      byte[] out = word;
      int n = 0;
      for (int i = start; i < end; i++) {
        int c = from.charAt(i);
        if (c < 0x80) {
          out[n++] = (byte) c;
          continue;
        }
        if (c < 0x800) {
          out[n++] = (byte) (0xc0 | c >> 6);
          out[n++] = (byte) (0x80 | (c & 0x3f));
          continue;
        }
        if (Character.isSurrogate((char) c)) {
          c = CharacterClasses.codePointAt(from, i);
          if (c > 0xffff) {
            i++;
            out[n++] = (byte) (0xf0 | c >> 18);
            out[n++] = (byte) (0x80 | (c >> 12 & 0x3f));
            out[n++] = (byte) (0x80 | (c >> 6 & 0x3f));
            out[n++] = (byte) (0x80 | (c & 0x3f));
            continue;
          }
        }
        out[n++] = (byte) (0xe0 | c >> 12);
        out[n++] = (byte) (0x80 | (c >> 6 & 0x3f));
        out[n++] = (byte) (0x80 | (c & 0x3f));
      }
      return n;
    }
  }
}
