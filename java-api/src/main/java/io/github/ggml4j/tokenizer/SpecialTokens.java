package io.github.ggml4j.tokenizer;

import static io.github.ggml4j.tokenizer.TokenizerFiles.wrongType;

import io.github.ggml4j.internal.Names;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Registers the special and added tokens of a folder with the builder, in the order in which
 * transformers 5 does it ({@code PreTrainedTokenizerBase._from_pretrained} and {@code
 * TokenizersBackend.__init__}). The order decides the ids of tokens that the vocabulary lacks.
 *
 * <p>If {@code tokenizer_config.json} has {@code added_tokens_decoder}, the files {@code
 * special_tokens_map.json} and {@code added_tokens.json} are not used. Otherwise {@code
 * special_tokens_map.json} takes precedence over {@code tokenizer_config.json}.
 */
final class SpecialTokens {
  private static final System.Logger LOG = System.getLogger(SpecialTokens.class.getName());

  /** The named tokens, in the order in which missing ones are appended. */
  private static final List<String> NAMED =
      List.of(
          "bos_token",
          "eos_token",
          "unk_token",
          "sep_token",
          "pad_token",
          "cls_token",
          "mask_token");

  /** Tokens that {@code GPT2Tokenizer} sets to {@code <|endoftext|>} if no file names them. */
  private static final Set<String> WITH_DEFAULT = Set.of("bos_token", "eos_token", "unk_token");

  private static final String DECODER = "added_tokens_decoder";
  private static final String EXTRA = "extra_special_tokens";
  private static final String ADDITIONAL = "additional_special_tokens";

  private final TokenizerConfig config;
  private final TokenizerBuilder builder;
  private final @Nullable List<AddedToken> jsonTokens;
  private final @Nullable String jsonPadToken;
  private final boolean gpt2;

  /** The options of both files, merged. */
  private final Map<String, @Nullable Object> options = new LinkedHashMap<>();

  /** The file of each option that is not from {@code tokenizer_config.json}. */
  private final Map<String, String> sources = new HashMap<>();

  /** Tokens of a model's own by name. */
  private final Map<String, @Nullable Object> ownTokens = new LinkedHashMap<>();

  /** Tokens of {@code added_tokens_decoder} or of the files in its place, by their id there. */
  private final Map<Integer, AddedToken> decoder = new TreeMap<>();

  private final Map<String, Given> named = new LinkedHashMap<>();
  private final List<Given> extra = new ArrayList<>();

  /**
   * A token in the form that a file has. In transformers a text and an object are never equal, even
   * if their flags are.
   */
  private record Given(AddedToken token, boolean isText) {
    String content() {
      return token.content();
    }
  }

  /**
   * @param jsonTokens the added tokens of {@code tokenizer.json}; null if there is no such file
   * @param jsonPadToken the padding token of {@code tokenizer.json}, used if no file names one
   */
  SpecialTokens(
      TokenizerConfig config,
      TokenizerBuilder builder,
      @Nullable List<AddedToken> jsonTokens,
      @Nullable String jsonPadToken) {
    this.config = config;
    this.builder = builder;
    this.jsonTokens = jsonTokens;
    this.jsonPadToken = jsonPadToken;
    this.gpt2 = jsonTokens == null || config.isGpt2();
  }

  /** Adds the tokens and sets the ids of the named ones. */
  void register() {
    options.putAll(config.options());
    if (options.containsKey(ADDITIONAL) && isEmpty(options.get(EXTRA))) {
      options.put(EXTRA, options.remove(ADDITIONAL));
    }
    takeOwnTokens();
    if (options.get(DECODER) != null) {
      readDecoder(options.get(DECODER));
    } else {
      readOtherFiles();
    }
    if (options.containsKey(ADDITIONAL) && !options.containsKey(EXTRA)) {
      options.put(EXTRA, options.remove(ADDITIONAL));
    }
    readNamed();
    readExtra();
    builder.add(tokensToAdd());
    builder.bos(bos()).eos(eos()).pad(id("pad_token"));
    Map<String, String> names = new LinkedHashMap<>();
    named.forEach((name, given) -> names.put(name, given.content()));
    builder.settings.named = names;
    warnOfUnusedTokens();
  }

  /** The id of the beginning of text, or null. */
  @Nullable Integer bos() {
    return id("bos_token");
  }

  /** The id of the end of text, or null. */
  @Nullable Integer eos() {
    return id("eos_token");
  }

  private @Nullable Integer id(String name) {
    Given given = named.get(name);
    return given == null ? null : builder.id(given.content());
  }

  /** Moves tokens of a model's own, such as {@code image_token}, from the options. */
  private void takeOwnTokens() {
    config
        .options()
        .forEach((name, value) -> {
          if (isOwn(name) && value instanceof String) {
            ownTokens.put(name, value);
            options.remove(name);
          }
        });
    takeNamedExtra();
  }

  private void takeNamedExtra() {
    if (options.get(EXTRA) instanceof Map<?, ?> tokens) {
      tokens.forEach((name, value) -> ownTokens.put(String.valueOf(name), value));
      options.remove(EXTRA);
    }
  }

  private static boolean isOwn(String name) {
    return name.endsWith("_token") && !NAMED.contains(name);
  }

  private void readDecoder(@Nullable Object value) {
    String source = config.source(TokenizerFiles.CONFIG);
    if (!(value instanceof Map<?, ?> tokens)) {
      throw wrongType(source, DECODER, value, "an object of ids and tokens");
    }
    tokens.forEach((key, token) -> {
      String id = String.valueOf(key);
      if (!id.matches("[0-9]{1,9}") || !(token instanceof Map<?, ?> object)) {
        throw wrongType(source, DECODER + "." + Names.quote(id), token, "a token by its id");
      }
      int number = Integer.parseInt(id);
      decoder.put(number, TokenizerFiles.addedToken(source, object, number, false));
    });
  }

  /** The files that older versions of transformers wrote, and the tokens of tokenizer.json. */
  private void readOtherFiles() {
    String source = config.source(TokenizerFiles.SPECIAL_TOKENS);
    config
        .specialTokens()
        .forEach((name, value) -> {
          if (name.equals(EXTRA) && value instanceof List<?> more) {
            List<@Nullable Object> all = new ArrayList<>();
            if (options.get(EXTRA) instanceof List<?> known) {
              all.addAll(known);
            }
            more.stream().filter(token -> !all.contains(token)).forEach(all::add);
            options.put(EXTRA, all);
          } else {
            options.put(name, value);
          }
          sources.put(name, source);
        });
    takeNamedExtra();
    readAddedTokens();
    if (jsonTokens != null) {
      jsonTokens.forEach(token -> decoder.put(token.id(), token));
    }
  }

  private void readAddedTokens() {
    Set<String> specials = new HashSet<>();
    NAMED.forEach(name -> addContent(name, options.get(name), specials));
    if (options.get(EXTRA) instanceof List<?> list) {
      list.forEach(token -> addContent(EXTRA, token, specials));
    }
    String source = config.source(TokenizerFiles.ADDED_TOKENS);
    config
        .addedTokens()
        .forEach((content, value) -> {
          int id = TokenizerFiles.id(value);
          if (id < 0) {
            throw wrongType(source, "the id of " + Names.quote(content), value, "a whole number");
          }
          boolean special = specials.contains(content);
          decoder.put(id, new AddedToken(id, content, false, false, false, !special, special));
        });
  }

  /** Tokens that tokenizer_config.json gives as objects do not count here in transformers. */
  private void addContent(String name, @Nullable Object value, Set<String> contents) {
    AddedToken token = token(name, value, true);
    if (token != null && (value instanceof String || sources.containsKey(name))) {
      contents.add(token.content());
    }
  }

  private void readNamed() {
    Map<String, AddedToken> byContent = new HashMap<>();
    decoder.values().forEach(token -> byContent.put(token.content(), token));
    for (String name : NAMED) {
      Object value = options.get(name);
      if (!options.containsKey(name)) {
        value = byDefault(name);
      }
      AddedToken token = token(name, value, true);
      if (token != null) {
        AddedToken known = byContent.get(token.content());
        named.put(
            name,
            known == null
                ? new Given(token, value instanceof String)
                : new Given(known.withId(-1), false));
      }
    }
    options.forEach((name, value) -> {
      if (isOwn(name) && (value instanceof String || value instanceof Map<?, ?>)) {
        putNamed(name, value);
      }
    });
    ownTokens.forEach(this::putNamed);
  }

  private void putNamed(String name, @Nullable Object value) {
    AddedToken token = token(name, value, true);
    if (token != null) {
      named.put(name, new Given(token, value instanceof String));
    }
  }

  private @Nullable String byDefault(String name) {
    if (name.equals("pad_token") && jsonPadToken != null) {
      return jsonPadToken;
    }
    boolean hasDefault = WITH_DEFAULT.contains(name);
    if (gpt2) {
      return hasDefault ? Gpt2Vocabulary.END_OF_TEXT : null;
    }
    // A tokenizer.json alone names no special tokens.
    boolean known = builder.id(Gpt2Vocabulary.END_OF_TEXT) != null;
    return hasDefault && known && !config.hasFiles() && config.model() == null
        ? Gpt2Vocabulary.END_OF_TEXT
        : null;
  }

  private void readExtra() {
    Object value = options.get(EXTRA);
    if (value == null) {
      return;
    }
    if (!(value instanceof List<?> list)) {
      throw wrongType(source(EXTRA), EXTRA, value, "a list of tokens, or an object of them");
    }
    for (Object item : list) {
      // An object of type AddedToken is special only if it says so.
      boolean typed = item instanceof Map<?, ?> object && object.containsKey("__type");
      AddedToken token = token(EXTRA, item, !typed);
      if (token != null) {
        extra.add(new Given(token, item instanceof String));
      }
    }
  }

  /**
   * The tokens to add: those of {@link #decoder}, then the named and the extra ones that are not
   * among them and not in {@code tokenizer.json}. A token that is given again in another form is
   * added again; the last flags count.
   */
  private List<AddedToken> tokensToAdd() {
    Set<String> known = new HashSet<>();
    List<AddedToken> tokens = new ArrayList<>();
    decoder.forEach((id, token) -> {
      known.add(token.content());
      tokens.add(token.withId(id));
    });
    if (!gpt2 && jsonTokens != null) {
      jsonTokens.forEach(token -> known.add(token.content()));
    }
    Set<String> names = new HashSet<>();
    named.values().forEach(given -> names.add(given.content()));
    Stream.concat(named.values().stream(), extra.stream())
        .distinct()
        .filter(given -> !known.contains(given.content()))
        .forEach(given -> tokens.add(given.token()));
    return tokens.stream()
        .map(token -> names.contains(token.content()) ? token.asSpecial() : token)
        .toList();
  }

  /** A token given as text or as an object; null for null and for an empty text. */
  private @Nullable AddedToken token(String name, @Nullable Object value, boolean special) {
    AddedToken token =
        switch (value) {
          case null -> null;
          case String content -> AddedToken.special(-1, content);
          case Map<?, ?> object -> {
            if (!(object.get("content") instanceof String)) {
              throw wrongType(source(name), name + ".content", object.get("content"), "a text");
            }
            yield TokenizerFiles.addedToken(source(name), object, -1, special);
          }
          default -> throw wrongType(source(name), name, value, "a token");
        };
    return token == null || token.content().isEmpty() ? null : token;
  }

  private String source(String name) {
    return sources.getOrDefault(name, config.source(TokenizerFiles.CONFIG));
  }

  private static boolean isEmpty(@Nullable Object value) {
    return value == null
        || (value instanceof List<?> list && list.isEmpty())
        || (value instanceof Map<?, ?> map && map.isEmpty());
  }

  /** Reports tokens that files give and that are not used. */
  private void warnOfUnusedTokens() {
    if (!isEmpty(options.get(ADDITIONAL))) {
      LOG.log(
          System.Logger.Level.WARNING,
          () ->
              source(ADDITIONAL)
                  + ": additional_special_tokens is not used, because extra_special_tokens is"
                  + " given, as in transformers");
    }
    if (jsonTokens == null) {
      return;
    }
    for (AddedToken token : jsonTokens) {
      if (!token.content().isEmpty() && builder.id(token.content()) == null) {
        LOG.log(
            System.Logger.Level.WARNING,
            () ->
                config.source(TokenizerFiles.CONFIG)
                    + ": the added token "
                    + Names.quote(token.content())
                    + " of tokenizer.json is not used, because added_tokens_decoder does not have"
                    + " it, as in transformers");
      }
    }
  }
}
