package io.github.ggml4j.tokenizer;

import io.github.ggml4j.error.InvalidArgumentException;
import io.github.ggml4j.format.ModelFormatException;
import io.github.ggml4j.format.internal.AtomicFiles;
import io.github.ggml4j.internal.Check;
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
 * GPT-2's tokenizer: byte-level BPE with the ids of Hugging Face's {@code AutoTokenizer}.
 *
 * <p>An unpaired surrogate in a text is encoded as U+FFFD. Immutable and thread-safe.
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

  /** GPT-2's own tokenizer of 50,257 tokens, which is part of this library. */
  public static Tokenizer gpt2() {
    return Gpt2Vocabulary.TOKENIZER;
  }

  /** Whether a folder has a vocabulary that {@link #load} reads. */
  public static boolean isIn(Path folder) {
    return TokenizerFiles.isIn(folder);
  }

  /**
   * Reads the tokenizer of a folder as transformers 5 does. The vocabulary is the first of {@code
   * tokenizer.json}; {@code vocab.json} with {@code merges.txt}; OpenAI's {@code encoder.json} with
   * {@code vocab.bpe}. Special tokens and options are read from {@code tokenizer_config.json},
   * {@code special_tokens_map.json} and {@code added_tokens.json}. A special token that the
   * vocabulary lacks is appended, so that {@link #vocabSize} may exceed that of the model.
   *
   * <p>The {@code tokenizer_class} of {@code tokenizer_config.json} or {@code config.json} decides
   * how {@code tokenizer.json} is read. {@code GPT2Tokenizer}, the default of a folder with one of
   * these files, takes vocabulary, merges, added tokens and post-processor from it. Any other class
   * uses all of it. A warning names each option that is not used.
   *
   * @throws ModelFormatException if there is no vocabulary, or a file is damaged or not that of a
   *     byte-level BPE tokenizer like GPT-2's
   * @throws java.io.UncheckedIOException if a file cannot be read
   */
  public static Tokenizer load(Path folder) {
    return new Tokenizer(TokenizerFiles.read(folder));
  }

  /**
   * Trains a tokenizer of GPT-2's kind on texts. Tokens, ids and merges are those of Hugging Face's
   * {@code BpeTrainer}, without its limit of 2<sup>31</sup> occurrences.
   *
   * @param texts read once; each is split into words on its own. Memory is needed for the different
   *     words, not for the texts
   * @param trainer the options
   * @return the trained tokenizer
   */
  public static Tokenizer train(Iterable<String> texts, BpeTrainer trainer) {
    return new Tokenizer(trainer.train(texts));
  }

  /**
   * A tokenizer from lists, as a GGUF file holds them.
   *
   * @param tokens all tokens by id, in GPT-2's byte-to-character notation; added tokens as plain
   *     text
   * @param merges pairs in order of rank, the two halves separated by a space
   * @param added the tokens that are matched as a whole
   * @param bosTokenId id of the beginning of text, or null
   * @param eosTokenId id of the end of text, or null
   * @param padTokenId id for padding; null falls back to the end of text
   * @throws ModelFormatException if the parts do not fit together
   */
  public static Tokenizer of(
      List<String> tokens,
      List<String> merges,
      List<AddedToken> added,
      @Nullable Integer bosTokenId,
      @Nullable Integer eosTokenId,
      @Nullable Integer padTokenId) {
    TokenizerBuilder builder = new TokenizerBuilder("tokenizer");
    for (int id = 0; id < tokens.size(); id++) {
      builder.token(tokens.get(id), id);
    }
    merges.forEach(builder::merge);
    builder.addExactly(added);
    return new Tokenizer(builder.bos(bosTokenId).eos(eosTokenId).pad(padTokenId).build());
  }

  /**
   * Encodes a text with {@link EncodeOptions#defaults()}. Added tokens in the text, such as {@code
   * <|endoftext|>}, become their own ids.
   */
  public int[] encode(String text) {
    return encoder.ids(text);
  }

  /**
   * Encodes a text to ids with offsets.
   *
   * @throws InvalidArgumentException if the maximum length leaves no room for the special tokens
   *     that are added, or padding is needed and the tokenizer has neither a padding token nor an
   *     end of text
   */
  public Encoding encode(String text, EncodeOptions options) {
    return pad(encodeUnpadded(text, options), options, 0);
  }

  /**
   * Encodes many texts in parallel, each as {@link #encode(String, EncodeOptions)} does. {@link
   * EncodeOptions.Padding#LONGEST} pads all of them to the longest.
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
    boolean parseSpecial = options.parseSpecialTokens() && !model.settings().splitSpecialTokens;
    Encoding encoding = encoder.encode(text, parseSpecial);
    if (options.maxLength() > 0) {
      int room = options.maxLength() - before.size() - after.size();
      if (room < 0) {
        throw new InvalidArgumentException(
            "maxLength",
            options.maxLength(),
            "at least " + (before.size() + after.size()),
            "That many special tokens are added to each text.");
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
      throw new InvalidArgumentException(
          "padding",
          options.padding(),
          "NONE for a tokenizer without padding token and end of text",
          "Choose NONE, or a padding token with Tokenizer.withPadTokenId.");
    }
    return encoding.padded(length, options.paddingSide(), padTokenId());
  }

  /** Decodes ids, special tokens included; see {@link #decode(int[], boolean)}. */
  public String decode(int... tokens) {
    return decode(tokens, false);
  }

  /**
   * Decodes ids to text. Malformed UTF-8 becomes U+FFFD. Ids without a token, among them all from
   * {@link #vocabSize()} on, are skipped, as in Hugging Face's decoder: a model may have more
   * embeddings than the vocabulary has tokens.
   *
   * @param skipSpecialTokens whether special tokens such as {@code <|endoftext|>} are left out
   * @throws InvalidArgumentException if an id is negative
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

  /** A decoder that takes ids one by one and leaves special tokens out. */
  public StreamingDecoder streamingDecoder() {
    return streamingDecoder(true);
  }

  /** A decoder that takes ids one by one. */
  public StreamingDecoder streamingDecoder(boolean skipSpecialTokens) {
    return new StreamingDecoder(this, skipSpecialTokens);
  }

  /**
   * The highest id plus one, added tokens included. This is the number of tokens, unless the
   * vocabulary leaves ids out.
   */
  public int vocabSize() {
    return model.size();
  }

  /** The id of the beginning of text, or -1. */
  public int bosTokenId() {
    return model.bosId();
  }

  /** The id of the end of text, or -1. */
  public int eosTokenId() {
    return model.eosId();
  }

  /** The id of the padding token; falls back to the end of text, then to -1. */
  public int padTokenId() {
    return model.padId() >= 0 ? model.padId() : model.eosId();
  }

  /**
   * Whether {@link #encode} adds the beginning of text, and nothing else, before each text (Hugging
   * Face's {@code add_bos_token}).
   */
  public boolean addsBosToken() {
    return bosTokenId() >= 0 && model.settings().before.equals(List.of(bosTokenId()));
  }

  /**
   * Whether {@link #encode} adds the end of text, and nothing else, after each text (Hugging Face's
   * {@code add_eos_token}).
   */
  public boolean addsEosToken() {
    return eosTokenId() >= 0 && model.settings().after.equals(List.of(eosTokenId()));
  }

  /**
   * Whether {@link #encode} puts a space before each piece of text that does not start with one
   * (Hugging Face's {@code add_prefix_space}).
   */
  public boolean addsPrefixSpace() {
    return model.settings().addPrefixSpace;
  }

  /**
   * Whether tokens, merges, added tokens without flags, {@link #addsBosToken}, {@link
   * #addsEosToken} and {@link #addsPrefixSpace} describe this tokenizer completely, as they do in a
   * GGUF file.
   */
  public boolean isVocabularyOnly() {
    TokenizerSettings settings = model.settings();
    return settings.isGpt2()
        && (settings.before.isEmpty() || addsBosToken())
        && (settings.after.isEmpty() || addsEosToken())
        && model.added().stream()
            .noneMatch(token -> token.singleWord() || token.lstrip() || token.rstrip());
  }

  /**
   * A copy that adds the beginning or end of text to each text that it encodes. Replaces what this
   * tokenizer adds.
   *
   * @throws InvalidArgumentException if the tokenizer has no such token
   */
  public Tokenizer withAddedTokens(boolean addBosToken, boolean addEosToken) {
    if (addBosToken == addsBosToken()
        && addEosToken == addsEosToken()
        && model.settings().before.isEmpty() != addBosToken
        && model.settings().after.isEmpty() != addEosToken) {
      return this;
    }
    return new Tokenizer(
        model.withSettings(
            model
                .settings()
                .withAround(
                    ends("addBosToken", addBosToken, bosTokenId()),
                    ends("addEosToken", addEosToken, eosTokenId()))));
  }

  /**
   * A copy that puts a space before each piece of text that does not start with one, or a copy that
   * does not. Returns this tokenizer if it does so already.
   *
   * @throws InvalidArgumentException if the tokenizer was read with its own pre-tokenizer, whose
   *     setting cannot be changed
   */
  public Tokenizer withPrefixSpace(boolean addPrefixSpace) {
    if (addPrefixSpace == addsPrefixSpace()) {
      return this;
    }
    if (model.settings().preTokenizer != null) {
      throw new InvalidArgumentException(
          "addPrefixSpace",
          addPrefixSpace,
          addsPrefixSpace() + " for a tokenizer with its own pre-tokenizer");
    }
    return new Tokenizer(model.withSettings(model.settings().withPrefixSpace(addPrefixSpace)));
  }

  private static List<Integer> ends(String parameter, boolean add, int id) {
    if (add && id < 0) {
      throw new InvalidArgumentException(
          parameter, true, "false for a tokenizer without such a token");
    }
    return add ? List.of(id) : List.of();
  }

  /**
   * A copy with another padding token. Hugging Face's {@code pad_token = eos_token} is {@code
   * withPadTokenId(eosTokenId())}.
   *
   * @throws InvalidArgumentException if there is no such id
   */
  public Tokenizer withPadTokenId(int id) {
    return new Tokenizer(model.withPadId(Check.between("padTokenId", id, 0, model.size() - 1)));
  }

  /** The tokens that are matched as a whole, by id. */
  public List<AddedToken> addedTokens() {
    return model.added();
  }

  /** All tokens by id, as {@link #idToToken} returns them; empty for an id without a token. */
  public List<String> tokens() {
    return IntStream.range(0, model.size()).mapToObj(model::token).toList();
  }

  /** The merges in order of rank, the two halves separated by a space, as in merges.txt. */
  public List<String> merges() {
    return IntStream.range(0, model.lefts().length).mapToObj(model::merge).toList();
  }

  /**
   * The files from which transformers reads this tokenizer, by name: {@code tokenizer.json}, {@code
   * vocab.json}, {@code merges.txt}, {@code tokenizer_config.json} and {@code
   * special_tokens_map.json}. {@code model_max_length} is that of the files that were read; 1024
   * for {@link #gpt2()}.
   */
  public Map<String, byte[]> files() {
    return new TokenizerWriter(this, model, null).files();
  }

  /**
   * {@link #files()} of a tokenizer that goes with a model.
   *
   * @param maxLength the longest sequence of the model, in tokens; {@code model_max_length} is at
   *     most this
   */
  public Map<String, byte[]> files(int maxLength) {
    return new TokenizerWriter(this, model, Check.atLeast("maxLength", maxLength, 1)).files();
  }

  /**
   * Writes {@link #files()}. Either all files are replaced or none.
   *
   * @param folder created if it does not exist
   * @throws java.io.UncheckedIOException if a file cannot be written
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
        if (model.hasToken(id)) {
          map.put(model.token(id), id);
        }
      }
      ids = map;
    }
    return map.getOrDefault(token, -1);
  }

  /**
   * A token in GPT-2's byte-to-character notation; added tokens as plain text.
   *
   * @throws InvalidArgumentException if the id has no token
   */
  public String idToToken(int id) {
    Check.between("id", id, 0, model.size() - 1);
    if (!model.hasToken(id)) {
      throw new InvalidArgumentException("id", id, "an id that has a token");
    }
    return model.token(id);
  }

  /** Size and ids of the special tokens. */
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
   * The UTF-8 bytes of a token, which may be a part of a character. The array is shared and must
   * not be changed. It is empty for an id without a token.
   *
   * @param skipSpecialTokens whether the array is empty for special tokens too
   * @throws InvalidArgumentException if the id is negative
   */
  public byte[] bytes(int id, boolean skipSpecialTokens) {
    if (id < 0) {
      throw new InvalidArgumentException(
          "id", id, "at least 0", "Remove ignored labels before decoding.");
    }
    if (id >= special.length || (skipSpecialTokens && special[id])) {
      return TokenizerModel.NO_BYTES;
    }
    return model.bytes(id);
  }
}
