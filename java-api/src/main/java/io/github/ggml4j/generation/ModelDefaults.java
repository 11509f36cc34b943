package io.github.ggml4j.generation;

import io.github.ggml4j.model.Gpt2Model;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.DoubleConsumer;
import java.util.function.IntConsumer;
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
    integer("max_length", g::maxLength);
    integer("max_new_tokens", g::maxNewTokens);
    integer("min_length", g::minLength);
    integer("min_new_tokens", g::minNewTokens);
    flag("do_sample", g::doSample);
    number(
        "temperature",
        value -> {
          if (value != 0) { // Which stands in files of models that do not sample
            g.temperature(value);
          }
        });
    integer("top_k", g::topK);
    number("top_p", g::topP);
    number("min_p", g::minP);
    number("typical_p", g::typicalP);
    number("repetition_penalty", g::repetitionPenalty);
    integer("no_repeat_ngram_size", g::noRepeatNgramSize);
    integer("num_beams", g::numBeams);
    number("length_penalty", g::lengthPenalty);
    if ("never".equals(values.get("early_stopping"))) {
      g.earlyStopping(EarlyStopping.NEVER);
    } else {
      flag("early_stopping", g::earlyStopping);
    }
    value(
        "forced_eos_token_id",
        "a token id or a list of them",
        value -> g.forcedEosTokenIds(ids(value).stream().mapToInt(Integer::intValue).toArray()));
    value(
        "bad_words_ids",
        "lists of token ids",
        value -> g.badWordsIds(list(value).stream().map(ModelDefaults::ids).toList()));
    value(
        "stop_strings",
        "a text or a list of texts",
        value ->
            g.stopStrings(
                (value instanceof String text ? List.of(text) : list(value))
                    .stream().map(String.class::cast).toArray(String[]::new)));
  }

  private void flag(String name, Consumer<Boolean> option) {
    value(name, "true or false", value -> option.accept((Boolean) value));
  }

  private void number(String name, DoubleConsumer option) {
    value(name, "a number", value -> option.accept(((Number) value).doubleValue()));
  }

  private void integer(String name, IntConsumer option) {
    value(name, "a whole number", value -> option.accept(whole(value)));
  }

  private static int whole(Object value) {
    return Math.toIntExact((Long) value);
  }

  private static List<?> list(Object value) {
    return (List<?>) value;
  }

  private static List<Integer> ids(Object value) {
    return value instanceof List<?> list
        ? list.stream().map(ModelDefaults::whole).toList()
        : List.of(whole(value));
  }

  /** Sets an option that is there; null is not. */
  private void value(String name, String expected, Consumer<Object> option) {
    var value = values.get(name);
    if (value == null) {
      return;
    }
    try {
      option.accept(value);
    } catch (ClassCastException | ArithmeticException | NullPointerException e) {
      throw new IllegalArgumentException(
          "%s (%s): %s is %s; expected %s. Correct the file or remove the line."
              .formatted(source, FILE, name, value, expected),
          e);
    }
  }
}
