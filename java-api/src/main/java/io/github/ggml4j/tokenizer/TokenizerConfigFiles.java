package io.github.ggml4j.tokenizer;

import static io.github.ggml4j.tokenizer.TokenizerFiles.wrongType;

import io.github.ggml4j.format.internal.Json;
import io.github.ggml4j.internal.Names;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Reads what stands beside the vocabulary: {@code tokenizer_config.json}, {@code
 * special_tokens_map.json} and {@code added_tokens.json}. The first wins.
 */
final class TokenizerConfigFiles {
  private static final List<String> SPECIAL =
      List.of(
          "bos_token",
          "eos_token",
          "unk_token",
          "sep_token",
          "pad_token",
          "cls_token",
          "mask_token",
          "additional_special_tokens",
          "extra_special_tokens");

  /** What transformers takes for {@code <|endoftext|>} where nothing, not even null, is said. */
  private static final List<String> WITH_DEFAULT = List.of("bos_token", "eos_token", "unk_token");

  private final Path folder;
  private final TokenizerModel.Builder builder;

  /** The value of each special token and the file that gives it. */
  private final Map<String, @Nullable Object> special = new LinkedHashMap<>();

  private final Map<String, String> sources = new LinkedHashMap<>();

  TokenizerConfigFiles(Path folder, TokenizerModel.Builder builder) {
    this.folder = folder;
    this.builder = builder;
  }

  void read() {
    readAddedTokens(folder.resolve(TokenizerFiles.ADDED_TOKENS));
    Path config = folder.resolve(TokenizerFiles.CONFIG);
    if (Files.exists(config)) {
      Map<String, @Nullable Object> options = Json.readObject(config);
      String source = config.toString();
      readDecoder(source, options.get("added_tokens_decoder"));
      builder.settings.config = options;
      builder.settings.addPrefixSpace =
          TokenizerFiles.flag(source, options, "add_prefix_space", builder.settings.addPrefixSpace);
      keepSpecial(source, options);
    }
    Path map = folder.resolve(TokenizerFiles.SPECIAL_TOKENS);
    if (Files.exists(map)) {
      keepSpecial(map.toString(), Json.readObject(map));
    }
    for (String name : WITH_DEFAULT) {
      if (!special.containsKey(name) && builder.id(Gpt2Vocabulary.END_OF_TEXT) != null) {
        special.put(name, Gpt2Vocabulary.END_OF_TEXT);
      }
    }
    special.forEach(this::register);
    builder.bos(id("bos_token")).eos(id("eos_token")).pad(id("pad_token"));
  }

  private void keepSpecial(String source, Map<String, @Nullable Object> options) {
    for (String name : SPECIAL) {
      if (options.containsKey(name) && !special.containsKey(name)) {
        special.put(name, options.get(name));
        sources.put(name, source);
      }
    }
  }

  /** Makes every special token one that is found in text. */
  private void register(String name, @Nullable Object value) {
    String source = String.valueOf(sources.get(name));
    Object tokens =
        value instanceof Map<?, ?> map && !map.containsKey("content")
            ? new ArrayList<>(map.values())
            : value;
    for (String content : TokenizerFiles.contents(source, name, tokens)) {
      Integer id = builder.id(content);
      if (id != null) {
        builder.addedIfNew(AddedToken.special(id, content));
      }
    }
  }

  private @Nullable Integer id(String name) {
    Object value = special.get(name);
    if (value == null) {
      return null;
    }
    String source = String.valueOf(sources.get(name));
    List<String> contents = TokenizerFiles.contents(source, name, value);
    if (contents.size() != 1) {
      throw wrongType(source, name, value, "one token");
    }
    Integer id = builder.id(contents.getFirst());
    if (id == null) {
      throw wrongType(source, name, contents.getFirst(), "a token of the vocabulary");
    }
    return id;
  }

  private void readDecoder(String source, @Nullable Object value) {
    if (value == null) {
      return;
    }
    if (!(value instanceof Map<?, ?> tokens)) {
      throw wrongType(source, "added_tokens_decoder", value, "an object of ids and tokens");
    }
    tokens.forEach((key, token) -> {
      String id = String.valueOf(key);
      if (!id.matches("[0-9]{1,9}") || !(token instanceof Map<?, ?> options)) {
        throw wrongType(
            source, "added_tokens_decoder." + Names.quote(id), token, "a token by its id");
      }
      builder.addedIfNew(TokenizerFiles.addedToken(source, options, Integer.parseInt(id)));
    });
  }

  private void readAddedTokens(Path file) {
    if (!Files.exists(file)) {
      return;
    }
    Json.readObject(file)
        .forEach((content, value) -> {
          int id = TokenizerFiles.id(value);
          if (id < 0) {
            throw wrongType(
                file.toString(), "the id of " + Names.quote(content), value, "a whole number");
          }
          builder.addedIfNew(new AddedToken(id, content, false, false, false, true, false));
        });
  }
}
