package io.github.ggml4j.tokenizer;

import io.github.ggml4j.format.internal.PythonJson;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Writes the files of a tokenizer in the form of Hugging Face's {@code save_pretrained}. */
final class TokenizerWriter {
  /** The class with which transformers uses all of {@code tokenizer.json}. */
  private static final String GENERAL_CLASS = "PreTrainedTokenizerFast";

  private final Tokenizer tokenizer;
  private final TokenizerModel model;
  private final @Nullable Integer maxLength;

  /**
   * @param maxLength upper limit of {@code model_max_length}; null for none
   */
  TokenizerWriter(Tokenizer tokenizer, TokenizerModel model, @Nullable Integer maxLength) {
    this.tokenizer = tokenizer;
    this.model = model;
    this.maxLength = maxLength;
  }

  Map<String, byte[]> files() {
    Map<String, byte[]> files = new LinkedHashMap<>();
    put(files, TokenizerFiles.TOKENIZER, tokenizerJson());
    put(files, TokenizerFiles.VOCABULARY, vocabulary("", "", " ").append('\n').toString());
    put(files, TokenizerFiles.MERGES, merges());
    put(files, TokenizerFiles.CONFIG, PythonJson.write(config()));
    put(files, TokenizerFiles.SPECIAL_TOKENS, PythonJson.write(specialTokens()));
    return files;
  }

  private static void put(Map<String, byte[]> files, String name, String text) {
    files.put(name, text.getBytes(StandardCharsets.UTF_8));
  }

  private String merges() {
    StringBuilder out = new StringBuilder("#version: 0.2\n");
    for (int rank = 0; rank < model.lefts().length; rank++) {
      out.append(model.merge(rank)).append('\n');
    }
    return out.toString();
  }

  private StringBuilder vocabulary(String line, String end, String gap) {
    StringBuilder out = new StringBuilder("{");
    String separator = line;
    for (int id = 0; id < model.size(); id++) {
      if (model.hasToken(id) && !model.addedOnly().get(id)) {
        out.append(separator).append(PythonJson.quote(model.token(id))).append(": ").append(id);
        separator = "," + (line.isEmpty() ? gap : line);
      }
    }
    return out.append(end).append('}');
  }

  private String tokenizerJson() {
    StringBuilder out = new StringBuilder(1 << 20);
    out.append("{\n  \"version\": \"1.0\",\n  \"truncation\": null,\n  \"padding\": null,\n");
    out.append("  \"added_tokens\": ").append(nested(addedTokens(), 1)).append(",\n");
    out.append("  \"normalizer\": null,\n");
    out.append("  \"pre_tokenizer\": ").append(nested(preTokenizer(), 1)).append(",\n");
    out.append("  \"post_processor\": ").append(nested(postProcessor(), 1)).append(",\n");
    out.append("  \"decoder\": ").append(nested(byteLevel(true), 1)).append(",\n");
    out.append("  \"model\": {\n    \"type\": \"BPE\",\n    \"dropout\": null,\n");
    out.append("    \"unk_token\": ")
        .append(nested(model.settings().unknownToken, 2))
        .append(",\n");
    out.append("    \"continuing_subword_prefix\": \"\",\n    \"end_of_word_suffix\": \"\",\n");
    out.append("    \"fuse_unk\": ").append(model.settings().fuseUnknown).append(",\n");
    out.append("    \"byte_fallback\": false,\n    \"ignore_merges\": ")
        .append(model.settings().ignoreMerges)
        .append(",\n    \"vocab\": ");
    out.append(vocabulary("\n      ", "\n    ", "")).append(",\n    \"merges\": [");
    String separator = "\n";
    for (int rank = 0; rank < model.lefts().length; rank++) {
      out.append(separator)
          .append("      [\n        ")
          .append(PythonJson.quote(model.token(model.lefts()[rank])))
          .append(",\n        ")
          .append(PythonJson.quote(model.token(model.rights()[rank])))
          .append("\n      ]");
      separator = ",\n";
    }
    return out.append("\n    ]\n  }\n}\n").toString();
  }

  private @Nullable Object preTokenizer() {
    Object read = model.settings().preTokenizer;
    return read == null ? byteLevel(model.settings().addPrefixSpace) : read;
  }

  private @Nullable Object postProcessor() {
    TokenizerSettings settings = model.settings();
    return settings.postProcessor == null
            && !(settings.before.isEmpty() && settings.after.isEmpty())
        ? PostProcessorReader.template(model)
        : settings.postProcessor;
  }

  private Map<String, @Nullable Object> byteLevel(boolean addPrefixSpace) {
    Map<String, @Nullable Object> options = new LinkedHashMap<>();
    options.put("type", "ByteLevel");
    options.put("add_prefix_space", addPrefixSpace);
    options.put("trim_offsets", true);
    options.put("use_regex", model.settings().splitWords);
    return options;
  }

  private List<Map<String, Object>> addedTokens() {
    return model.added().stream()
        .map(token -> {
          Map<String, Object> item = new LinkedHashMap<>();
          item.put("id", token.id());
          item.putAll(flags(token));
          return item;
        })
        .toList();
  }

  private static Map<String, Object> flags(AddedToken token) {
    Map<String, Object> flags = new LinkedHashMap<>();
    flags.put("content", token.content());
    flags.put("single_word", token.singleWord());
    flags.put("lstrip", token.lstrip());
    flags.put("rstrip", token.rstrip());
    flags.put("normalized", token.normalized());
    flags.put("special", token.special());
    return flags;
  }

  /** The options that were read, with those that this class knows replaced. */
  private Map<String, @Nullable Object> config() {
    Map<String, @Nullable Object> config = new TreeMap<>(model.settings().config);
    config.put("add_prefix_space", model.settings().addPrefixSpace);
    Map<String, Object> decoder = new LinkedHashMap<>();
    model.added().forEach(token -> decoder.put(String.valueOf(token.id()), flags(token)));
    config.put("added_tokens_decoder", decoder);
    config.putIfAbsent("clean_up_tokenization_spaces", false);
    config.putIfAbsent("errors", "replace");
    if (!model.settings().isGpt2()) {
      // GPT2Tokenizer would not use these settings.
      config.put("tokenizer_class", GENERAL_CLASS);
    } else if (config.get("tokenizer_class") == null) {
      config.put("tokenizer_class", "GPT2Tokenizer");
    }
    Map<String, String> named = model.settings().named;
    if (named != null) {
      config.putAll(named);
    }
    // Without a value GPT2Tokenizer uses <|endoftext|> and appends it to the vocabulary.
    config.put("bos_token", name(model.bosId()));
    config.put("eos_token", name(model.eosId()));
    config.put("pad_token", name(model.padId()));
    if (named == null) {
      boolean known = tokenizer.tokenToId(Gpt2Vocabulary.END_OF_TEXT) >= 0;
      config.put("unk_token", known ? Gpt2Vocabulary.END_OF_TEXT : null);
    } else {
      config.put("unk_token", named.get("unk_token"));
    }
    if (tokenizer == Tokenizer.gpt2()) {
      config.put("model_max_length", 1024);
    }
    Object length = config.get("model_max_length");
    if (maxLength != null
        && !(length instanceof Number number && number.doubleValue() <= maxLength)) {
      config.put("model_max_length", maxLength);
    }
    return config;
  }

  private @Nullable String name(int id) {
    return id < 0 ? null : model.token(id);
  }

  private Map<String, Object> specialTokens() {
    Map<String, Object> tokens = new TreeMap<>();
    for (String name : List.of("bos_token", "eos_token", "unk_token", "pad_token")) {
      Object token = config().get(name);
      if (token != null) {
        tokens.put(name, token);
      }
    }
    return tokens;
  }

  /** A value as the member of an object at a depth. */
  private static String nested(@Nullable Object value, int depth) {
    return PythonJson.nested(value, depth);
  }
}
