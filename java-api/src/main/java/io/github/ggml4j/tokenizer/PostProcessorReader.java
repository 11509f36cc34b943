package io.github.ggml4j.tokenizer;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Reads the member {@code post_processor} of {@code tokenizer.json}. */
final class PostProcessorReader {
  private final String source;
  private final TokenizerBuilder builder;
  private final TokenizerSettings settings;

  PostProcessorReader(String source, TokenizerBuilder builder) {
    this.source = source;
    this.builder = builder;
    this.settings = builder.settings;
  }

  /** Reads a post-processor into the builder's settings. */
  void read(@Nullable Object value) {
    settings.postProcessor = value;
    apply(value);
  }

  private void apply(@Nullable Object value) {
    if (value == null) {
      return;
    }
    Map<?, ?> options = value instanceof Map<?, ?> map ? map : Map.of();
    switch (String.valueOf(options.get("type"))) {
      case "ByteLevel" -> readOffsets(options);
      case "TemplateProcessing" -> readTemplate(options);
      case "RobertaProcessing" -> {
        readOffsets(options);
        readEnds(options);
      }
      case "BertProcessing" -> readEnds(options);
      case "Sequence" -> list(options, "processors").forEach(this::apply);
      default ->
          throw TokenizerFiles.unsupported(
              source,
              "post_processor is " + TokenizerFiles.typeOf(value),
              "null, 'ByteLevel', 'TemplateProcessing', 'RobertaProcessing', 'BertProcessing' or a"
                  + " 'Sequence' of them");
    }
  }

  private void readOffsets(Map<?, ?> options) {
    settings.trimOffsets = TokenizerFiles.flag(source, options, "trim_offsets", true);
    settings.keepFirstSpace = TokenizerFiles.flag(source, options, "add_prefix_space", true);
  }

  /** The tokens {@code cls} before and {@code sep} after the text, each a pair of token and id. */
  private void readEnds(Map<?, ?> options) {
    around(List.of(idOfPair(options, "cls")), List.of(idOfPair(options, "sep")));
  }

  private int idOfPair(Map<?, ?> options, String name) {
    List<?> pair = list(options, name);
    if (pair.size() != 2) {
      throw TokenizerFiles.wrongType(source, "post_processor." + name, pair, "a token and its id");
    }
    int id = TokenizerFiles.id(pair.get(1));
    builder.checkId("post_processor", id);
    return id;
  }

  private void readTemplate(Map<?, ?> template) {
    List<Integer> before = new ArrayList<>();
    List<Integer> after = new ArrayList<>();
    boolean text = false;
    for (Object item : list(template, "single")) {
      Map<?, ?> piece = object("post_processor.single", item);
      if (piece.containsKey("Sequence")) {
        if (text) {
          throw TokenizerFiles.unsupported(
              source, "post_processor.single contains the text twice", "the text once");
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
      throw TokenizerFiles.unsupported(
          source, "post_processor.single does not contain the text", "the text once");
    }
    around(before, after);
  }

  /** Adds ids around what earlier processors of a sequence made. */
  private void around(List<Integer> before, List<Integer> after) {
    List<Integer> allBefore = new ArrayList<>(before);
    allBefore.addAll(settings.before);
    List<Integer> allAfter = new ArrayList<>(settings.after);
    allAfter.addAll(after);
    settings.before = List.copyOf(allBefore);
    settings.after = List.copyOf(allAfter);
  }

  private Map<?, ?> object(String name, @Nullable Object value) {
    if (!(value instanceof Map<?, ?> object)) {
      throw TokenizerFiles.wrongType(source, name, value, "an object");
    }
    return object;
  }

  private List<?> list(Map<?, ?> object, String name) {
    if (!(object.get(name) instanceof List<?> list)) {
      throw TokenizerFiles.wrongType(source, "post_processor." + name, object.get(name), "a list");
    }
    return list;
  }

  /** The {@code TemplateProcessing} that adds a tokenizer's ids around a text. */
  static Map<String, Object> template(TokenizerModel model) {
    Map<String, Object> tokens = new LinkedHashMap<>();
    List<Object> single = new ArrayList<>();
    model.settings().before.forEach(id -> single.add(piece(model.token(id), id, tokens)));
    single.add(sequence("A", 0));
    model.settings().after.forEach(id -> single.add(piece(model.token(id), id, tokens)));
    List<Object> pair = new ArrayList<>(single);
    pair.add(sequence("B", 1));
    Map<String, Object> template = new LinkedHashMap<>();
    template.put("type", "TemplateProcessing");
    template.put("single", single);
    template.put("pair", pair);
    template.put("special_tokens", tokens);
    return template;
  }

  private static Map<String, Object> sequence(String id, int type) {
    return Map.of("Sequence", ordered("id", id, "type_id", type));
  }

  private static Map<String, Object> piece(String token, int id, Map<String, Object> tokens) {
    Map<String, Object> entry = ordered("id", token, "ids", List.of(id));
    entry.put("tokens", List.of(token));
    tokens.put(token, entry);
    return Map.of("SpecialToken", ordered("id", token, "type_id", 0));
  }

  private static Map<String, Object> ordered(
      String first, Object value, String second, Object other) {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put(first, value);
    map.put(second, other);
    return map;
  }
}
