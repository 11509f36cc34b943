package io.github.ggml4j.tokenizer;

import io.github.ggml4j.format.ModelFormatException;
import io.github.ggml4j.format.internal.AtomicFiles;
import io.github.ggml4j.tokenizer.internal.Utf8;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * GPT-2's tokenizer: byte-level BPE, the same ids as Hugging Face's {@code GPT2TokenizerFast}.
 *
 * <p>Text is UTF-16; an unpaired surrogate counts as U+FFFD. Immutable and thread-safe.
 */
public final class Tokenizer {
  private final TokenizerModel model;
  private final TextEncoder encoder;
  private final OffsetTrimmer offsets;
  private final boolean[] special;
  private volatile @Nullable Map<String, Integer> ids;

  Tokenizer(TokenizerModel model) {
    this.model = model;
    this.encoder = new TextEncoder(model);
    this.offsets = new OffsetTrimmer(model);
    this.special = new boolean[model.size()];
    for (AddedToken token : model.added()) {
      special[token.id()] = token.special();
    }
  }

  /** GPT-2's own vocabulary of 50,257 tokens, which is part of this library. */
  public static Tokenizer gpt2() {
    return Gpt2Vocabulary.TOKENIZER;
  }

  /** Whether a folder has a file that {@link #load} begins with. */
  public static boolean isIn(Path folder) {
    return TokenizerFiles.isIn(folder);
  }

  /**
   * Reads the tokenizer of a folder: {@code tokenizer.json}, or else {@code vocab.json} with {@code
   * merges.txt}, or else OpenAI's {@code encoder.json} with {@code vocab.bpe}; besides {@code
   * tokenizer_config.json} and {@code special_tokens_map.json} where they exist.
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
    return encoder.ids(model.settings().before, text, model.settings().after);
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
    Encoding encoding = encoder.encode(text, options.parseSpecialTokens());
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
      encoding = offsets.trim(encoding, text);
    }
    return encoding.surrounded(before, after);
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
}
