package io.github.ggml4j.tokenizer;

import static io.github.ggml4j.tokenizer.TokenizerFiles.unsupported;
import static io.github.ggml4j.tokenizer.TokenizerFiles.wrongType;

import io.github.ggml4j.format.internal.Json;
import java.io.ByteArrayInputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;

/**
 * Reads {@code tokenizer.json}. The vocabulary and the merges go to the builder while they are
 * parsed; the other members are kept until {@link #useAll} or {@link #useAsGpt2}.
 */
final class TokenizerJson {
  private static final System.Logger LOG = System.getLogger(TokenizerJson.class.getName());

  private final Path file;
  private final String source;
  private final TokenizerBuilder builder;
  private final List<AddedToken> added = new ArrayList<>();
  private final Map<String, @Nullable Object> members = new LinkedHashMap<>();
  private Map<String, @Nullable Object> model = Map.of();
  private boolean hasVocabulary;
  private boolean hasMerges;

  private TokenizerJson(Path file, TokenizerBuilder builder) {
    this.file = file;
    this.source = file.toString();
    this.builder = builder;
  }

  /** Reads the file. */
  static TokenizerJson read(Path file, TokenizerBuilder builder) {
    TokenizerJson json = new TokenizerJson(file, builder);
    json.parse();
    return json;
  }

  /** The tokens of {@code added_tokens}. */
  List<AddedToken> addedTokens() {
    return added;
  }

  /** The member {@code padding.pad_token}, or null. */
  @Nullable String padToken() {
    return members.get("padding") instanceof Map<?, ?> padding
            && padding.get("pad_token") instanceof String token
        ? token
        : null;
  }

  private void parse() {
    try (JsonParser parser = Json.parser(new ByteArrayInputStream(TokenizerFiles.bytes(file)))) {
      if (parser.nextToken() != JsonToken.START_OBJECT) {
        throw wrongType(source, "the start", String.valueOf(parser.currentToken()), "an object");
      }
      while (parser.nextToken() != JsonToken.END_OBJECT) {
        String name = parser.currentName();
        parser.nextToken();
        switch (name) {
          case "model" -> readModel(parser);
          case "added_tokens" -> readAdded(parser);
          default -> members.put(name, Json.value(parser, source));
        }
      }
      if (parser.nextToken() != null) {
        throw wrongType(source, "the end", "more text", "one JSON object");
      }
    } catch (JacksonException e) {
      throw Json.malformed(source, e);
    }
    if (!hasVocabulary || !hasMerges) {
      throw unsupported(
          source, hasVocabulary ? "has no model.merges" : "has no model.vocab", "a BPE model");
    }
  }

  /** Uses every member, as transformers' {@code PreTrainedTokenizerFast} does. */
  void useAll() {
    Object dropout = model.get("dropout");
    if (dropout != null && !isZero(dropout)) {
      throw unsupported(source, "model.dropout is " + TokenizerFiles.describe(dropout), "null");
    }
    if (TokenizerFiles.flag(source, model, "byte_fallback", false)) {
      throw unsupported(source, "model.byte_fallback is true", "false");
    }
    TokenizerSettings settings = builder.settings;
    settings.ignoreMerges = TokenizerFiles.flag(source, model, "ignore_merges", false);
    Object unknown = model.get("unk_token");
    if (unknown != null && !(unknown instanceof String)) {
      throw wrongType(source, "model.unk_token", unknown, "a token or null");
    }
    settings.unknownToken = (String) unknown;
    settings.fuseUnknown = TokenizerFiles.flag(source, model, "fuse_unk", false);
    builder.addExactly(added);
    Object normalizer = members.get("normalizer");
    if (!PreTokenizerReader.isNoNormalizer(normalizer)) {
      throw unsupported(source, "normalizer is " + TokenizerFiles.typeOf(normalizer), "null");
    }
    PreTokenizerReader.read(source, members.get("pre_tokenizer"), settings);
    checkDecoder(members.get("decoder"));
  }

  /**
   * Uses vocabulary and merges with the pre-tokenizer of GPT-2, as transformers' {@code
   * GPT2Tokenizer} does. A warning names each member that has another value.
   */
  void useAsGpt2() {
    boolean addPrefixSpace = builder.settings.addPrefixSpace;
    Object normalizer = members.get("normalizer");
    if (!PreTokenizerReader.isNoNormalizer(normalizer)) {
      warnUnused("normalizer", TokenizerFiles.typeOf(normalizer));
    }
    Object preTokenizer = members.get("pre_tokenizer");
    if (!PreTokenizerReader.isGpt2(preTokenizer, addPrefixSpace)) {
      Object prefix = preTokenizer instanceof Map<?, ?> map ? map.get("add_prefix_space") : null;
      warnUnused(
          "pre_tokenizer",
          TokenizerFiles.typeOf(preTokenizer)
              + (prefix == null ? "" : " with add_prefix_space " + prefix));
    }
    if (!isByteLevel(members.get("decoder"))) {
      warnUnused("decoder", TokenizerFiles.typeOf(members.get("decoder")));
    }
    Object dropout = model.get("dropout");
    if (dropout != null && !isZero(dropout)) {
      warnUnused("model.dropout", TokenizerFiles.describe(dropout));
    }
    for (String name : List.of("byte_fallback", "ignore_merges")) {
      if (Boolean.TRUE.equals(model.get(name))) {
        warnUnused("model." + name, "true");
      }
    }
    if (model.get("unk_token") != null && !builder.hasEveryByte()) {
      warnUnused("model.unk_token", TokenizerFiles.describe(model.get("unk_token")));
    }
  }

  /** Reads the post-processor, after the added tokens are known. */
  void usePostProcessor() {
    new PostProcessorReader(source, builder).read(members.get("post_processor"));
  }

  private void warnUnused(String member, String value) {
    LOG.log(
        System.Logger.Level.WARNING,
        () ->
            source
                + ": "
                + member
                + " is "
                + value
                + ", which transformers' GPT2Tokenizer does not use. Set tokenizer_class to"
                + " PreTrainedTokenizerFast in tokenizer_config.json to use it.");
  }

  private static boolean isZero(Object value) {
    return value instanceof Number number && number.doubleValue() == 0;
  }

  private void readModel(JsonParser parser) {
    if (parser.currentToken() != JsonToken.START_OBJECT) {
      throw wrongType(source, "model", Json.value(parser, source), "an object");
    }
    Map<String, @Nullable Object> options = new LinkedHashMap<>();
    while (parser.nextToken() != JsonToken.END_OBJECT) {
      String name = parser.currentName();
      parser.nextToken();
      switch (name) {
        case "vocab" -> {
          if (hasVocabulary) {
            throw wrongType(source, "model.vocab", "given twice", "one vocabulary");
          }
          // Other kinds of model have a list here; the message names the kind.
          if (parser.currentToken() != JsonToken.START_OBJECT) {
            checkType(options.get("type"));
          }
          TokenizerFiles.readTokens(parser, source, builder);
          hasVocabulary = true;
        }
        case "merges" -> {
          if (hasMerges) {
            throw wrongType(source, "model.merges", "given twice", "one list");
          }
          readMerges(parser);
          hasMerges = true;
        }
        default -> options.put(name, Json.value(parser, source));
      }
    }
    checkType(options.get("type"));
    checkEmpty(options, "continuing_subword_prefix");
    checkEmpty(options, "end_of_word_suffix");
    model = options;
  }

  private void checkType(@Nullable Object type) {
    if (type != null && !type.equals("BPE")) {
      throw unsupported(source, "model.type is " + TokenizerFiles.describe(type), "'BPE'");
    }
  }

  private void checkEmpty(Map<String, @Nullable Object> options, String name) {
    Object value = options.get(name);
    if (value != null && !value.equals("")) {
      throw unsupported(
          source, "model." + name + " is " + TokenizerFiles.describe(value), "null or ''");
    }
  }

  private void readMerges(JsonParser parser) {
    if (parser.currentToken() != JsonToken.START_ARRAY) {
      throw wrongType(source, "model.merges", Json.value(parser, source), "a list");
    }
    while (parser.nextToken() != JsonToken.END_ARRAY) {
      if (parser.currentToken() == JsonToken.VALUE_STRING) {
        builder.merge(parser.getString());
        continue;
      }
      readPair(parser);
    }
  }

  /** A merge as a list of its two halves. */
  private void readPair(JsonParser parser) {
    if (parser.currentToken() == JsonToken.START_ARRAY
        && parser.nextToken() == JsonToken.VALUE_STRING) {
      String left = parser.getString();
      if (parser.nextToken() == JsonToken.VALUE_STRING) {
        String right = parser.getString();
        if (parser.nextToken() == JsonToken.END_ARRAY) {
          builder.merge(left, right);
          return;
        }
      }
    }
    throw wrongType(source, "a merge", parser.getString(), "two tokens");
  }

  private void readAdded(JsonParser parser) {
    Object value = Json.value(parser, source);
    if (value == null) {
      return;
    }
    if (!(value instanceof List<?> list)) {
      throw wrongType(source, "added_tokens", value, "a list");
    }
    for (Object item : list) {
      if (!(item instanceof Map<?, ?> token)) {
        throw wrongType(source, "an added token", item, "an object");
      }
      int id = TokenizerFiles.id(token.get("id"));
      if (id < 0) {
        throw wrongType(source, "the id of an added token", token.get("id"), "a whole number");
      }
      added.add(TokenizerFiles.addedToken(source, token, id, false));
    }
  }

  private void checkDecoder(@Nullable Object value) {
    if (!isByteLevel(value)) {
      throw unsupported(source, "decoder is " + TokenizerFiles.typeOf(value), "'ByteLevel'");
    }
  }

  private static boolean isByteLevel(@Nullable Object value) {
    if (!(value instanceof Map<?, ?> options)) {
      return false;
    }
    return "ByteLevel".equals(options.get("type"))
        || ("Sequence".equals(options.get("type"))
            && options.get("decoders") instanceof List<?> parts
            && parts.size() == 1
            && isByteLevel(parts.getFirst()));
  }
}
