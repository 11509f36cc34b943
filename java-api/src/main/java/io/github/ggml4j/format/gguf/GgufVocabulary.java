package io.github.ggml4j.format.gguf;

import io.github.ggml4j.format.ModelFormatException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.zip.CRC32;
import org.jspecify.annotations.Nullable;

/**
 * The tokenizer of a GGUF file: byte-level BPE as GPT-2's.
 *
 * @param tokens every token by id, in GPT-2's byte-to-character notation; special tokens as they
 *     are
 * @param types llama.cpp's kind of each token: {@link #NORMAL}, {@link #CONTROL} and so on
 * @param merges pairs in order of rank, the two halves separated by a space
 * @param bosTokenId id of the beginning of text, or null
 * @param eosTokenId id of the end of text, or null
 * @param padTokenId id for padding, or null
 * @param addBosToken whether the beginning of text is added before each text
 * @param addEosToken whether the end of text is added after each text
 * @param addPrefixSpace whether each piece of text gets a leading space (Hugging Face's {@code
 *     add_prefix_space}). llama.cpp ignores it.
 */
@SuppressWarnings("ArrayRecordComponent") // compared by content below
public record GgufVocabulary(
    List<String> tokens,
    int[] types,
    List<String> merges,
    @Nullable Integer bosTokenId,
    @Nullable Integer eosTokenId,
    @Nullable Integer padTokenId,
    boolean addBosToken,
    boolean addEosToken,
    boolean addPrefixSpace) {
  /** An ordinary token. */
  public static final int NORMAL = 1;

  /** The token for unknown text. */
  public static final int UNKNOWN = 2;

  /** A special token, such as {@code <|endoftext|>}. */
  public static final int CONTROL = 3;

  /** A token added by the user, matched as a whole. */
  public static final int USER_DEFINED = 4;

  /** An id without a token. */
  public static final int UNUSED = 5;

  /** A single byte. */
  public static final int BYTE = 6;

  static final String MODEL_KEY = "tokenizer.ggml.model";
  static final String PRE_KEY = "tokenizer.ggml.pre";
  static final String TOKENS_KEY = "tokenizer.ggml.tokens";
  static final String TYPES_KEY = "tokenizer.ggml.token_type";
  static final String MERGES_KEY = "tokenizer.ggml.merges";
  static final String BOS_KEY = "tokenizer.ggml.bos_token_id";
  static final String EOS_KEY = "tokenizer.ggml.eos_token_id";
  static final String PAD_KEY = "tokenizer.ggml.padding_token_id";
  static final String ADD_BOS_KEY = "tokenizer.ggml.add_bos_token";
  static final String ADD_EOS_KEY = "tokenizer.ggml.add_eos_token";

  /**
   * Our own key. llama.cpp's {@code tokenizer.ggml.add_space_prefix} has another meaning: its BPE
   * encodes without it, but its decoder removes the leading space of a text.
   */
  static final String ADD_PREFIX_SPACE_KEY = "ggml4j.add_prefix_space";

  static final String MODEL = "gpt2";
  static final String PRE = "gpt-2";

  private static final long GPT2_END = 50_256;
  private static final Checksum GPT2_TOKENS =
      new Checksum(GgufType.STRING, 50_257, 758_791, 0x26d2_013aL);
  private static final Checksum GPT2_TYPES =
      new Checksum(GgufType.INT32, 50_257, 201_028, 0x491b_93b6L);
  private static final Checksum GPT2_MERGES =
      new Checksum(GgufType.STRING, 50_000, 806_304, 0xdc51_2930L);

  /** More tokens or merges than any tokenizer has. */
  private static final int MAX_STRINGS = 1 << 21;

  /**
   * Checks that the parts fit together.
   *
   * @throws IllegalArgumentException when there is not one type for each token, or an id has no
   *     token
   */
  public GgufVocabulary {
    tokens = List.copyOf(tokens);
    merges = List.copyOf(merges);
    types = types.clone();
    if (types.length != tokens.size()) {
      throw new IllegalArgumentException(
          types.length + " token types for " + tokens.size() + " tokens; expected one for each");
    }
    checkId(bosTokenId, tokens, BOS_KEY);
    checkId(eosTokenId, tokens, EOS_KEY);
    checkId(padTokenId, tokens, PAD_KEY);
  }

  /** A vocabulary that adds no tokens and no space to a text. */
  public GgufVocabulary(
      List<String> tokens,
      int[] types,
      List<String> merges,
      @Nullable Integer bosTokenId,
      @Nullable Integer eosTokenId,
      @Nullable Integer padTokenId) {
    this(tokens, types, merges, bosTokenId, eosTokenId, padTokenId, false, false, false);
  }

  /**
   * The vocabulary of a file on disk.
   *
   * @throws ModelFormatException when the file is missing or damaged, or has no GPT-2 tokenizer
   */
  public static GgufVocabulary read(Path path) {
    try (GgufFile file = GgufFile.open(path)) {
      return of(file);
    }
  }

  /** Whether a file has a tokenizer, of whatever kind. */
  public static boolean isIn(GgufFile file) {
    return file.find(MODEL_KEY).filter(model -> !model.asString().equals("none")).isPresent();
  }

  /**
   * Whether the file has GPT-2's own vocabulary, as llama.cpp and this library write it. Most files
   * do, and this check takes less than a hundredth of the time of decoding the vocabulary. It
   * compares lengths and CRC-32 checksums; a vocabulary made to have the same checksums is taken
   * for GPT-2's. It does not compare what is added to a text: see {@link #addsBosToken}, {@link
   * #addsEosToken} and {@link #addsPrefixSpace}.
   */
  public static boolean isGpt2(GgufFile file) {
    return hasText(file, MODEL_KEY, MODEL)
        && (file.find(PRE_KEY).isEmpty() || hasText(file, PRE_KEY, PRE))
        && is(file, TOKENS_KEY, GPT2_TOKENS)
        && is(file, TYPES_KEY, GPT2_TYPES)
        && is(file, MERGES_KEY, GPT2_MERGES)
        && has(file, BOS_KEY, GPT2_END)
        && has(file, EOS_KEY, GPT2_END)
        && (file.find(PAD_KEY).isEmpty() || has(file, PAD_KEY, GPT2_END));
  }

  /** Whether a file asks for the beginning of text before each text. */
  public static boolean addsBosToken(GgufFile file) {
    return flag(file, ADD_BOS_KEY);
  }

  /** Whether a file asks for the end of text after each text. */
  public static boolean addsEosToken(GgufFile file) {
    return flag(file, ADD_EOS_KEY);
  }

  /** Whether a file asks for a leading space in each piece of text. */
  public static boolean addsPrefixSpace(GgufFile file) {
    return flag(file, ADD_PREFIX_SPACE_KEY);
  }

  private static boolean flag(GgufFile file, String key) {
    Optional<GgufValue> value = file.find(key);
    return value.isPresent() && value.get().asBoolean();
  }

  private static boolean hasText(GgufFile file, String key, String text) {
    return file.find(key).filter(value -> text.equals(value.toString())).isPresent();
  }

  private static boolean has(GgufFile file, String key, long id) {
    return file.find(key).filter(value -> value.bits() == id).isPresent();
  }

  private static boolean is(GgufFile file, String key, Checksum expected) {
    return file.find(key).filter(value -> expected.fits(value)).isPresent();
  }

  /** What an array's bytes in a file are recognised by. */
  private record Checksum(GgufType type, long count, long bytes, long crc) {
    boolean fits(GgufValue value) {
      MemorySegment elements = value.elements();
      if (value.type() != type || value.count() != count || elements.byteSize() != bytes) {
        return false;
      }
      CRC32 actual = new CRC32();
      actual.update(elements.asByteBuffer());
      return actual.getValue() == crc;
    }
  }

  /**
   * The vocabulary of a file, one without tensors included.
   *
   * @throws ModelFormatException when there is none or it is no GPT-2 tokenizer
   */
  public static GgufVocabulary of(GgufFile file) {
    String model = file.get(MODEL_KEY).asString();
    if (!model.equals(MODEL)) {
      throw unsupported(file, MODEL_KEY, model, MODEL);
    }
    String pre = file.find(PRE_KEY).map(GgufValue::asString).orElse(PRE);
    if (!pre.equals(PRE)) {
      throw unsupported(file, PRE_KEY, pre, PRE);
    }
    List<String> tokens = strings(file, TOKENS_KEY);
    Optional<GgufValue> typeList = file.find(TYPES_KEY);
    int[] types = new int[tokens.size()];
    if (typeList.isPresent()) {
      types = typeList.get().asInts();
    } else {
      Arrays.fill(types, NORMAL);
    }
    try {
      return new GgufVocabulary(
          tokens,
          types,
          strings(file, MERGES_KEY),
          id(file, BOS_KEY),
          id(file, EOS_KEY),
          id(file, PAD_KEY),
          addsBosToken(file),
          addsEosToken(file),
          addsPrefixSpace(file));
    } catch (IllegalArgumentException e) {
      throw new ModelFormatException(
          file.source() + ": " + e.getMessage() + ". Convert the model again.", e);
    }
  }

  /**
   * This vocabulary with unused tokens appended, as llama.cpp's converter does it for models whose
   * embedding has more rows than there are tokens.
   *
   * @throws IllegalArgumentException when there are more tokens already
   */
  public GgufVocabulary padded(int size) {
    if (tokens.size() > size) {
      throw new IllegalArgumentException(
          "the vocabulary has " + tokens.size() + " tokens; expected at most " + size);
    }
    if (tokens.size() == size) {
      return this;
    }
    List<String> more = new ArrayList<>(tokens);
    int[] moreTypes = Arrays.copyOf(types, size);
    for (int id = tokens.size(); id < size; id++) {
      more.add("[PAD" + id + "]");
      moreTypes[id] = UNUSED;
    }
    return new GgufVocabulary(
        more,
        moreTypes,
        merges,
        bosTokenId,
        eosTokenId,
        padTokenId,
        addBosToken,
        addEosToken,
        addPrefixSpace);
  }

  /**
   * This vocabulary without the added tokens from an id on, for a model that has no embeddings for
   * them. Ids of special tokens among them become null.
   *
   * @throws IllegalArgumentException if one of them is an ordinary token
   */
  public GgufVocabulary withoutAddedFrom(int size) {
    for (int id = size; id < tokens.size(); id++) {
      if (types[id] != CONTROL && types[id] != USER_DEFINED && types[id] != UNUSED) {
        throw new IllegalArgumentException(
            "the vocabulary has " + tokens.size() + " tokens; expected at most " + size);
      }
    }
    Integer bos = below(size, bosTokenId);
    Integer eos = below(size, eosTokenId);
    return new GgufVocabulary(
        tokens.subList(0, size),
        Arrays.copyOf(types, size),
        merges,
        bos,
        eos,
        below(size, padTokenId),
        addBosToken && bos != null,
        addEosToken && eos != null,
        addPrefixSpace);
  }

  private static @Nullable Integer below(int size, @Nullable Integer id) {
    return id == null || id >= size ? null : id;
  }

  /** Adds the metadata by which llama.cpp knows the tokenizer. */
  public void putInto(GgufWriter writer) {
    writer.putString(MODEL_KEY, MODEL);
    writer.putString(PRE_KEY, PRE);
    writer.putStrings(TOKENS_KEY, tokens);
    writer.putInt32s(TYPES_KEY, types);
    writer.putStrings(MERGES_KEY, merges);
    putId(writer, BOS_KEY, bosTokenId);
    putId(writer, EOS_KEY, eosTokenId);
    putId(writer, PAD_KEY, padTokenId);
    writer.putBool(ADD_BOS_KEY, addBosToken);
    if (addEosToken) {
      writer.putBool(ADD_EOS_KEY, true);
    }
    if (addPrefixSpace) {
      writer.putBool(ADD_PREFIX_SPACE_KEY, true);
    }
  }

  /** A copy of the token types. */
  @Override
  public int[] types() {
    return types.clone();
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof GgufVocabulary that
        && tokens.equals(that.tokens)
        && Arrays.equals(types, that.types)
        && merges.equals(that.merges)
        && Objects.equals(bosTokenId, that.bosTokenId)
        && Objects.equals(eosTokenId, that.eosTokenId)
        && Objects.equals(padTokenId, that.padTokenId)
        && addBosToken == that.addBosToken
        && addEosToken == that.addEosToken
        && addPrefixSpace == that.addPrefixSpace;
  }

  @Override
  public int hashCode() {
    return 31 * tokens.hashCode() + Arrays.hashCode(types);
  }

  /** Sizes and special ids. */
  @Override
  public String toString() {
    return "GgufVocabulary["
        + tokens.size()
        + " tokens, "
        + merges.size()
        + " merges, bos "
        + bosTokenId
        + ", eos "
        + eosTokenId
        + ", pad "
        + padTokenId
        + "]";
  }

  private static List<String> strings(GgufFile file, String key) {
    GgufValue value = file.get(key);
    if (value.count() > MAX_STRINGS) {
      throw unsupported(file, key + " count", String.valueOf(value.count()), "at most 2^21");
    }
    return value.asStrings();
  }

  private static @Nullable Integer id(GgufFile file, String key) {
    return file.find(key).map(value -> value.asInt(0, Integer.MAX_VALUE)).orElse(null);
  }

  private static void putId(GgufWriter writer, String key, @Nullable Integer id) {
    if (id != null) {
      writer.putUint32(key, id);
    }
  }

  private static void checkId(@Nullable Integer id, List<String> tokens, String key) {
    if (id != null && (id < 0 || id >= tokens.size())) {
      throw new IllegalArgumentException(
          key + " is " + id + "; expected 0 to " + (tokens.size() - 1));
    }
  }

  private static ModelFormatException unsupported(
      GgufFile file, String key, String found, String expected) {
    return ModelFormatException.of(
        file.source(),
        "metadata " + key + " is " + found,
        expected,
        "Only GPT-2's tokenizer is supported; use a GPT-2 model.");
  }
}
