package io.github.ggml4j.tokenizer;

import static io.github.ggml4j.tokenizer.TokenizerFiles.wrongType;

import io.github.ggml4j.format.internal.Json;
import io.github.ggml4j.internal.Names;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The files of a tokenizer besides its vocabulary: {@code tokenizer_config.json}, {@code
 * special_tokens_map.json} and {@code added_tokens.json}, and the {@code tokenizer_class} of the
 * model's {@code config.json}.
 *
 * @param folder the folder of the files
 * @param options {@code tokenizer_config.json}; empty if there is none
 * @param specialTokens {@code special_tokens_map.json}; empty if there is none
 * @param addedTokens {@code added_tokens.json}; empty if there is none
 * @param model {@code config.json}; null if there is none
 */
record TokenizerConfig(
    Path folder,
    Map<String, @Nullable Object> options,
    Map<String, @Nullable Object> specialTokens,
    Map<String, @Nullable Object> addedTokens,
    @Nullable Map<String, @Nullable Object> model) {
  private static final System.Logger LOG = System.getLogger(TokenizerConfig.class.getName());
  private static final String MODEL = "config.json";
  private static final String CLASS = "tokenizer_class";
  private static final String PREFIX_SPACE = "add_prefix_space";
  private static final String GPT2_CLASS = "GPT2Tokenizer";

  /** Classes that use {@code tokenizer.json} as it is. */
  private static final Set<String> GENERAL_CLASSES =
      Set.of("PreTrainedTokenizer", "TokenizersBackend", "PythonBackend");

  static TokenizerConfig read(Path folder) {
    Map<String, @Nullable Object> options = object(folder, TokenizerFiles.CONFIG);
    Map<String, @Nullable Object> special = object(folder, TokenizerFiles.SPECIAL_TOKENS);
    Map<String, @Nullable Object> added = object(folder, TokenizerFiles.ADDED_TOKENS);
    return new TokenizerConfig(
        folder,
        options == null ? Map.of() : options,
        special == null ? Map.of() : special,
        added == null ? Map.of() : added,
        object(folder, MODEL));
  }

  private static @Nullable Map<String, @Nullable Object> object(Path folder, String name) {
    Path file = folder.resolve(name);
    return Files.exists(file) ? Json.readObject(file) : null;
  }

  /** Path of a file, for messages. */
  String source(String name) {
    return folder.resolve(name).toString();
  }

  /**
   * Whether transformers reads the folder with {@code GPT2Tokenizer}, which takes vocabulary,
   * merges, post-processor and added tokens from {@code tokenizer.json} and no other members. False
   * for a {@code tokenizer.json} without any other file.
   */
  boolean isGpt2() {
    String name = className();
    return name == null ? model != null || hasFiles() : name.equals(GPT2_CLASS);
  }

  /** Whether there is a file of the tokenizer besides its vocabulary. */
  boolean hasFiles() {
    return !options.isEmpty() || !specialTokens.isEmpty() || !addedTokens.isEmpty();
  }

  private @Nullable String className() {
    String name = className(TokenizerFiles.CONFIG, options);
    return name == null && model != null ? className(MODEL, model) : name;
  }

  private @Nullable String className(String file, Map<String, @Nullable Object> object) {
    Object value = object.get(CLASS);
    if (value == null) {
      return null;
    }
    if (!(value instanceof String name)) {
      throw wrongType(source(file), CLASS, value, "the name of a class");
    }
    return name.endsWith("Fast") ? name.substring(0, name.length() - "Fast".length()) : name;
  }

  /** Reports a class other than GPT-2's for a tokenizer that has no {@code tokenizer.json}. */
  void warnOfOtherClass() {
    String name = className();
    if (name != null && !name.equals(GPT2_CLASS) && !GENERAL_CLASSES.contains(name)) {
      LOG.log(
          System.Logger.Level.WARNING,
          () ->
              folder
                  + ": tokenizer_class is "
                  + Names.quote(name)
                  + "; the vocabulary is read as that of GPT2Tokenizer");
    }
  }

  void use(TokenizerSettings settings) {
    settings.config = options;
    settings.splitSpecialTokens = flag("split_special_tokens");
  }

  /** Uses the options of {@code GPT2Tokenizer}. */
  void useAsGpt2(TokenizerSettings settings) {
    use(settings);
    settings.addPrefixSpace = flag(PREFIX_SPACE);
  }

  /** Reports an {@code add_prefix_space} that {@code tokenizer.json} overrides. */
  void warnOfPrefixSpace(TokenizerSettings settings) {
    if (options.get(PREFIX_SPACE) != null && flag(PREFIX_SPACE) != settings.addPrefixSpace) {
      LOG.log(
          System.Logger.Level.WARNING,
          () ->
              source(TokenizerFiles.CONFIG)
                  + ": add_prefix_space is "
                  + flag(PREFIX_SPACE)
                  + ", but tokenizer.json has "
                  + settings.addPrefixSpace
                  + ", which takes precedence as in transformers");
    }
  }

  /** Adds the beginning and the end of text around each text if the options ask for it. */
  void addEnds(TokenizerSettings settings, @Nullable Integer bos, @Nullable Integer eos) {
    settings.before = flag("add_bos_token") && bos != null ? List.of(bos) : List.of();
    settings.after = flag("add_eos_token") && eos != null ? List.of(eos) : List.of();
  }

  /** Reports options that {@code tokenizer.json} overrides. */
  void warnOfEndsNotAdded(
      TokenizerSettings settings, @Nullable Integer bos, @Nullable Integer eos) {
    warnIfNotAdded("add_bos_token", settings.before, bos);
    warnIfNotAdded("add_eos_token", settings.after, eos);
  }

  private void warnIfNotAdded(String option, List<Integer> added, @Nullable Integer id) {
    if (flag(option) && id != null && !added.contains(id)) {
      LOG.log(
          System.Logger.Level.WARNING,
          () ->
              source(TokenizerFiles.CONFIG)
                  + ": "
                  + option
                  + " is true, but the post_processor of tokenizer.json does not add the token. It"
                  + " takes precedence, as in transformers.");
    }
  }

  private boolean flag(String name) {
    return TokenizerFiles.flag(source(TokenizerFiles.CONFIG), options, name, false);
  }
}
