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
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;

/** Reads {@code tokenizer.json}; the vocabulary and the merges go to the builder piece by piece. */
final class TokenizerJson {
  private final Path file;
  private final String source;
  private final TokenizerModel.Builder builder;
  private final List<AddedToken> added = new ArrayList<>();
  private boolean hasVocabulary;
  private boolean hasMerges;

  TokenizerJson(Path file, TokenizerModel.Builder builder) {
    this.file = file;
    this.source = file.toString();
    this.builder = builder;
  }

  void read() {
    Map<String, @Nullable Object> rest = new LinkedHashMap<>();
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
          default -> rest.put(name, Json.value(parser, source));
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
    added.forEach(builder::added);
    checkNormalizer(rest.get("normalizer"));
    readPreTokenizer(rest.get("pre_tokenizer"));
    checkDecoder(rest.get("decoder"));
    builder.settings.postProcessor = rest.get("post_processor");
    readPostProcessor(rest.get("post_processor"));
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
            throw wrongType(source, "model.vocab", "there twice", "one vocabulary");
          }
          // Other models have lists here; their type says more than that.
          if (parser.currentToken() != JsonToken.START_OBJECT) {
            checkType(options.get("type"));
          }
          TokenizerFiles.readTokens(parser, source, builder);
          hasVocabulary = true;
        }
        case "merges" -> {
          if (hasMerges) {
            throw wrongType(source, "model.merges", "there twice", "one list");
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
    Object dropout = options.get("dropout");
    if (dropout != null && !(dropout instanceof Double number && number == 0)) {
      throw unsupported(source, "model.dropout is " + TokenizerFiles.describe(dropout), "null");
    }
    if (TokenizerFiles.flag(source, options, "byte_fallback", false)) {
      throw unsupported(source, "model.byte_fallback is true", "false");
    }
    if (TokenizerFiles.flag(source, options, "ignore_merges", false)) {
      throw unsupported(source, "model.ignore_merges is true", "false");
    }
    Object unknown = options.get("unk_token");
    if (unknown != null && !(unknown instanceof String)) {
      throw wrongType(source, "model.unk_token", unknown, "a token or null");
    }
    builder.settings.unknownToken = (String) unknown;
    builder.settings.fuseUnknown = TokenizerFiles.flag(source, options, "fuse_unk", false);
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
      added.add(TokenizerFiles.addedToken(source, token, id));
    }
  }

  private void checkNormalizer(@Nullable Object normalizer) {
    if (normalizer != null) {
      throw unsupported(source, "normalizer is " + typeOf(normalizer), "null");
    }
  }

  private void readPreTokenizer(@Nullable Object value) {
    if (!(value instanceof Map<?, ?> options) || !"ByteLevel".equals(options.get("type"))) {
      throw unsupported(source, "pre_tokenizer is " + typeOf(value), "'ByteLevel'");
    }
    TokenizerSettings settings = builder.settings;
    settings.addPrefixSpace = TokenizerFiles.flag(source, options, "add_prefix_space", true);
    settings.splitWords = TokenizerFiles.flag(source, options, "use_regex", true);
  }

  private void readPostProcessor(@Nullable Object value) {
    if (value == null) {
      return;
    }
    TokenizerSettings settings = builder.settings;
    Map<?, ?> options = value instanceof Map<?, ?> map ? map : Map.of();
    switch (String.valueOf(options.get("type"))) {
      case "ByteLevel" -> {
        settings.trimOffsets = TokenizerFiles.flag(source, options, "trim_offsets", true);
        settings.keepFirstSpace = TokenizerFiles.flag(source, options, "add_prefix_space", true);
      }
      case "TemplateProcessing" -> readTemplate(options);
      case "Sequence" -> list(options, "processors").forEach(this::readPostProcessor);
      default ->
          throw unsupported(
              source,
              "post_processor is " + typeOf(value),
              "null, 'ByteLevel', 'TemplateProcessing' or a 'Sequence' of them");
    }
  }

  /** Special tokens around the text, such as one that begins it. */
  private void readTemplate(Map<?, ?> template) {
    List<Integer> before = new ArrayList<>();
    List<Integer> after = new ArrayList<>();
    boolean text = false;
    for (Object item : list(template, "single")) {
      Map<?, ?> piece = object("post_processor.single", item);
      if (piece.containsKey("Sequence")) {
        if (text) {
          throw unsupported(source, "post_processor.single has the text twice", "it once");
        }
        text = true;
        continue;
      }
      Object name = object("SpecialToken", piece.get("SpecialToken")).get("id");
      Map<?, ?> tokens = object("special_tokens", template.get("special_tokens"));
      for (Object id : list(object("special_tokens", tokens.get(name)), "ids")) {
        builder.checkId("post_processor", TokenizerFiles.id(id));
        (text ? after : before).add(TokenizerFiles.id(id));
      }
    }
    if (!text) {
      throw unsupported(source, "post_processor.single leaves the text out", "it once");
    }
    builder.settings.before = List.copyOf(before);
    builder.settings.after = List.copyOf(after);
  }

  private Map<?, ?> object(String name, @Nullable Object value) {
    if (!(value instanceof Map<?, ?> object)) {
      throw wrongType(source, name, value, "an object");
    }
    return object;
  }

  private List<?> list(Map<?, ?> object, String name) {
    if (!(object.get(name) instanceof List<?> list)) {
      throw wrongType(source, "post_processor." + name, object.get(name), "a list");
    }
    return list;
  }

  private void checkDecoder(@Nullable Object value) {
    if (!(value instanceof Map<?, ?> options) || !"ByteLevel".equals(options.get("type"))) {
      throw unsupported(source, "decoder is " + typeOf(value), "'ByteLevel'");
    }
  }

  private static String typeOf(@Nullable Object value) {
    return value instanceof Map<?, ?> options
        ? TokenizerFiles.describe(Objects.requireNonNullElse(options.get("type"), "without type"))
        : TokenizerFiles.describe(value);
  }
}
