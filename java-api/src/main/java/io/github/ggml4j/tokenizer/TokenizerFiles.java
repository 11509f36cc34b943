package io.github.ggml4j.tokenizer;

import io.github.ggml4j.format.ModelFormatException;
import io.github.ggml4j.format.internal.Json;
import io.github.ggml4j.internal.LfsPointer;
import io.github.ggml4j.internal.Names;
import io.github.ggml4j.internal.StrictUtf8;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;

/** Reads the tokenizer files of a folder of Hugging Face's or OpenAI's kind. */
final class TokenizerFiles {
  static final String TOKENIZER = "tokenizer.json";
  static final String VOCABULARY = "vocab.json";
  static final String MERGES = "merges.txt";

  /** OpenAI's names for vocabulary and merges. */
  static final String ENCODER = "encoder.json";

  static final String BPE = "vocab.bpe";
  static final String CONFIG = "tokenizer_config.json";
  static final String SPECIAL_TOKENS = "special_tokens_map.json";
  static final String ADDED_TOKENS = "added_tokens.json";

  /** GPT-2's files have 1 to 4 MB. */
  private static final long MAX_FILE = 64L << 20;

  private static final String REMEDY = "Only GPT-2's tokenizer is supported; use a GPT-2 model.";

  private TokenizerFiles() {}

  static boolean isIn(Path folder) {
    return Stream.of(TOKENIZER, VOCABULARY, ENCODER)
        .anyMatch(name -> Files.exists(folder.resolve(name)));
  }

  static TokenizerModel read(Path folder) {
    TokenizerConfig config = TokenizerConfig.read(folder);
    Path tokenizer = folder.resolve(TOKENIZER);
    if (Files.exists(tokenizer)) {
      return readJson(tokenizer, config);
    }
    config.warnOfOtherClass();
    if (Files.exists(folder.resolve(VOCABULARY))) {
      return readParts(folder.resolve(VOCABULARY), folder.resolve(MERGES), config);
    }
    if (Files.exists(folder.resolve(ENCODER))) {
      return readParts(folder.resolve(ENCODER), folder.resolve(BPE), config);
    }
    throw ModelFormatException.of(
        folder.toString(),
        "has no " + TOKENIZER + ", no " + VOCABULARY + " and no " + ENCODER,
        "a tokenizer as Hugging Face's save_pretrained writes it, or OpenAI's",
        "Copy the tokenizer's files into the folder.");
  }

  private static TokenizerModel readJson(Path file, TokenizerConfig config) {
    TokenizerBuilder builder = new TokenizerBuilder(file.toString());
    TokenizerJson json = TokenizerJson.read(file, builder);
    boolean gpt2 = config.isGpt2();
    if (gpt2) {
      config.useAsGpt2(builder.settings);
      json.useAsGpt2();
    } else {
      config.use(builder.settings);
      json.useAll();
      config.warnOfPrefixSpace(builder.settings);
    }
    SpecialTokens tokens =
        new SpecialTokens(config, builder, json.addedTokens(), gpt2 ? null : json.padToken());
    tokens.register();
    json.usePostProcessor();
    config.warnOfEndsNotAdded(builder.settings, tokens.bos(), tokens.eos());
    return builder.build();
  }

  private static TokenizerModel readParts(Path vocabulary, Path merges, TokenizerConfig config) {
    TokenizerBuilder builder = new TokenizerBuilder(vocabulary.toString());
    readVocabulary(vocabulary, builder);
    readMerges(merges, builder);
    config.useAsGpt2(builder.settings);
    SpecialTokens tokens = new SpecialTokens(config, builder, null, null);
    tokens.register();
    config.addEnds(builder.settings, tokens.bos(), tokens.eos());
    return builder.build();
  }

  static byte[] bytes(Path file) {
    try {
      long size = Files.size(file);
      if (size > MAX_FILE) {
        throw ModelFormatException.of(
            file.toString(),
            "has " + size + " bytes",
            "at most " + MAX_FILE + " for a tokenizer",
            "Check that this is the right file.");
      }
      byte[] bytes = Files.readAllBytes(file);
      LfsPointer.refuse(file.toString(), MemorySegment.ofArray(bytes), ModelFormatException::new);
      return bytes;
    } catch (IOException e) {
      throw new UncheckedIOException(file + ": cannot be read: " + e.getMessage(), e);
    }
  }

  /** The error for a value of another kind of tokenizer. */
  static ModelFormatException unsupported(String source, String found, String expected) {
    return ModelFormatException.of(source, found, expected, REMEDY);
  }

  /** The error for a value of the wrong type. */
  static ModelFormatException wrongType(
      String source, String name, @Nullable Object value, String expected) {
    return ModelFormatException.of(
        source,
        name + " is " + describe(value),
        expected,
        "Fetch the tokenizer's files again or correct them.");
  }

  static String describe(@Nullable Object value) {
    return switch (value) {
      case null -> "null";
      case String text -> Names.quote(text);
      case Map<?, ?> map -> "an object";
      case List<?> list -> "a list";
      default -> Names.quote(value.toString());
    };
  }

  /** Reads the object at the parser's position into the builder as a vocabulary. */
  static void readTokens(JsonParser parser, String source, TokenizerBuilder builder) {
    if (parser.currentToken() != JsonToken.START_OBJECT) {
      throw wrongType(source, "vocab", Json.value(parser, source), "an object of tokens and ids");
    }
    while (parser.nextToken() != JsonToken.END_OBJECT) {
      String token = parser.currentName();
      if (parser.nextToken() != JsonToken.VALUE_NUMBER_INT) {
        throw wrongType(
            source,
            "the id of token " + Names.quote(token),
            Json.value(parser, source),
            "a whole number");
      }
      builder.token(token, id(Json.value(parser, source)));
    }
  }

  /** An id, or -1 if the value is not a whole number from 0 to 2^31 - 1. */
  static int id(@Nullable Object value) {
    return value instanceof Long number && number >= 0 && number <= Integer.MAX_VALUE
        ? number.intValue()
        : -1;
  }

  private static void readVocabulary(Path file, TokenizerBuilder builder) {
    String source = file.toString();
    try (JsonParser parser = Json.parser(new ByteArrayInputStream(bytes(file)))) {
      if (parser.nextToken() == null) {
        throw wrongType(source, "the file", "", "one JSON object");
      }
      readTokens(parser, source, builder);
      if (parser.nextToken() != null) {
        throw wrongType(source, "the end", "more text", "one JSON object");
      }
    } catch (JacksonException e) {
      throw Json.malformed(source, e);
    }
  }

  private static void readMerges(Path file, TokenizerBuilder builder) {
    if (!Files.exists(file)) {
      throw ModelFormatException.of(
          file.toString(),
          "does not exist",
          "the merges beside the vocabulary",
          "Copy the tokenizer's files into the folder.");
    }
    String text;
    try {
      text = StrictUtf8.decode(bytes(file));
    } catch (CharacterCodingException e) {
      throw new ModelFormatException(
          file + ": is not valid UTF-8; expected one merge in each line. Fetch the file again.", e);
    }
    text.lines().filter(line -> !line.startsWith("#version")).forEach(builder::merge);
  }

  static boolean flag(String source, Map<?, ?> object, String name, boolean otherwise) {
    Object value = object.get(name);
    if (value == null) {
      return otherwise;
    }
    if (!(value instanceof Boolean flag)) {
      throw wrongType(source, name, value, "true or false");
    }
    return flag;
  }

  /**
   * A token given as an object.
   *
   * @param special whether the token is special if the object does not say so
   */
  static AddedToken addedToken(String source, Map<?, ?> token, int id, boolean special) {
    if (!(token.get("content") instanceof String content)) {
      throw wrongType(source, "content of added token " + id, token.get("content"), "a text");
    }
    boolean isSpecial = flag(source, token, "special", special);
    return new AddedToken(
        id,
        content,
        flag(source, token, "single_word", false),
        flag(source, token, "lstrip", false),
        flag(source, token, "rstrip", false),
        flag(source, token, "normalized", !isSpecial),
        isSpecial);
  }

  /** The member {@code type} of a part of {@code tokenizer.json}, for messages. */
  static String typeOf(@Nullable Object value) {
    return value instanceof Map<?, ?> options
        ? describe(Objects.requireNonNullElse(options.get("type"), "without type"))
        : describe(value);
  }
}
