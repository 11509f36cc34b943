package io.github.ggml4j.generation;

import io.github.ggml4j.format.ModelFormatException;
import io.github.ggml4j.model.Gpt2Model;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The options that a model brings along in its {@code generation_config.json}. */
final class ModelDefaults {
  private static final String FILE = "generation_config.json";

  private final Map<String, @Nullable Object> values;
  private final String source;

  private ModelDefaults(Map<String, @Nullable Object> values, String source) {
    this.values = values;
    this.source = source;
  }

  /** Sets what the model says; {@code eos_token_id} the model itself knows. */
  static void apply(Gpt2Model model, GenerationConfig.Builder builder) {
    new ModelDefaults(model.generationConfig(), model.origin()).apply(builder);
  }

  private void apply(GenerationConfig.Builder g) {
    if (flag("do_sample") instanceof Boolean value) {
      g.doSample(value);
    }
    // 0 stands in files of models that do not sample
    if (number("temperature") instanceof Double value && value != 0) {
      g.temperature(value);
    }
    if (integer("top_k") instanceof Integer value) {
      g.topK(value);
    }
    if (number("top_p") instanceof Double value) {
      g.topP(value);
    }
    if (number("min_p") instanceof Double value) {
      g.minP(value);
    }
    if (number("typical_p") instanceof Double value) {
      g.typicalP(value);
    }
    if (number("repetition_penalty") instanceof Double value) {
      g.repetitionPenalty(value);
    }
    if (integer("no_repeat_ngram_size") instanceof Integer value) {
      g.noRepeatNgramSize(value);
    }
    if (number("length_penalty") instanceof Double value) {
      g.lengthPenalty(value);
    }
    applyLengths(g);
    applyBeams(g);
    applyTokens(g);
  }

  private void applyLengths(GenerationConfig.Builder g) {
    if (integer("max_length") instanceof Integer value) {
      g.maxLength(value);
    }
    if (integer("max_new_tokens") instanceof Integer value) {
      g.maxNewTokens(value);
    }
    if (integer("min_length") instanceof Integer value) {
      g.minLength(value);
    }
    if (integer("min_new_tokens") instanceof Integer value) {
      g.minNewTokens(value);
    }
  }

  private void applyBeams(GenerationConfig.Builder g) {
    if (integer("num_beams") instanceof Integer value) {
      g.numBeams(value);
    }
    if ("never".equals(values.get("early_stopping"))) {
      g.earlyStopping(EarlyStopping.NEVER);
    } else if (flag("early_stopping") instanceof Boolean value) {
      g.earlyStopping(value);
    }
  }

  private void applyTokens(GenerationConfig.Builder g) {
    if (values.get("forced_eos_token_id") instanceof Object value) {
      g.forcedEosTokenIds(
          ids("forced_eos_token_id", value).stream().mapToInt(Integer::intValue).toArray());
    }
    if (values.get("bad_words_ids") instanceof Object value) {
      if (!(value instanceof List<?> words)) {
        throw wrong("bad_words_ids", value, "lists of token ids");
      }
      List<List<Integer>> all = new ArrayList<>();
      for (Object word : words) {
        all.add(ids("bad_words_ids", word == null ? "null" : word));
      }
      g.badWordsIds(all);
    }
    if (values.get("stop_strings") instanceof Object value) {
      List<?> texts = value instanceof List<?> list ? list : List.of(value);
      if (!texts.stream().allMatch(String.class::isInstance)) {
        throw wrong("stop_strings", value, "a text or a list of texts");
      }
      g.stopStrings(texts.stream().map(String::valueOf).toArray(String[]::new));
    }
  }

  private @Nullable Boolean flag(String name) {
    var value = values.get(name);
    if (value == null || value instanceof Boolean) {
      return (Boolean) value;
    }
    throw wrong(name, value, "true or false");
  }

  private @Nullable Double number(String name) {
    var value = values.get(name);
    if (value == null) {
      return null;
    }
    if (value instanceof Number number) {
      return number.doubleValue();
    }
    throw wrong(name, value, "a number");
  }

  private @Nullable Integer integer(String name) {
    var value = values.get(name);
    return value == null ? null : whole(name, value);
  }

  private int whole(String name, Object value) {
    try {
      return Integer.parseInt(value.toString());
    } catch (NumberFormatException e) {
      throw wrong(name, value, "a whole number");
    }
  }

  private List<Integer> ids(String name, Object value) {
    if (!(value instanceof List<?> list)) {
      return List.of(whole(name, value));
    }
    return list.stream().map(id -> whole(name, String.valueOf(id))).toList();
  }

  private ModelFormatException wrong(String name, Object value, String expected) {
    return ModelFormatException.of(
        source + " (" + FILE + ")",
        name + " is " + value,
        expected,
        "Correct the file or remove the line.");
  }
}
