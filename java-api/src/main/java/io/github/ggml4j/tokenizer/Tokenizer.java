package io.github.ggml4j.tokenizer;

import io.github.ggml4j.format.ModelFormatException;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
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
    Encoder encoder = new Encoder(text);
    early.split(text, 0, text.length(), true, new LateTokens(encoder));
    return encoder.ids.toArray();
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
    return bytes.toString(StandardCharsets.UTF_8);
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

  /** The tokens that are found in the text as a whole, by id. */
  public List<AddedToken> addedTokens() {
    return model.added();
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

  /** Searches the text that {@link #early} leaves for the other added tokens. */
  private final class LateTokens implements AddedTokenMatcher.Sink {
    private final Encoder encoder;

    LateTokens(Encoder encoder) {
      this.encoder = encoder;
    }

    @Override
    public void text(int start, int end) {
      late.split(encoder.text, start, end, true, encoder);
    }

    @Override
    public void token(AddedToken token, int start, int end) {
      encoder.token(token, start, end);
    }
  }

  /** One run over one text. */
  private final class Encoder implements AddedTokenMatcher.Sink {
    private final String text;
    private final Ints ids;
    private byte[] word = new byte[96];

    Encoder(String text) {
      this.text = text;
      this.ids = new Ints(text.length() / 3);
    }

    @Override
    public void text(int start, int end) {
      if (model.addPrefixSpace() && text.charAt(start) != ' ') {
        String prefixed = " " + text.substring(start, end);
        words(prefixed, 0, prefixed.length());
      } else {
        words(text, start, end);
      }
    }

    @Override
    public void token(AddedToken token, int start, int end) {
      ids.add(token.id());
    }

    private void words(String from, int start, int end) {
      int i = start;
      while (i < end) {
        int next = model.splitWords() ? WordSplitter.endOfWord(from, i, end) : end;
        int length = utf8(from, i, next);
        ids.add(bpe.encode(word, length).ids());
        i = next;
      }
    }

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
