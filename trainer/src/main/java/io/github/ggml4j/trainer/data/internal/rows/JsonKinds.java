package io.github.ggml4j.trainer.data.internal.rows;

import java.util.Locale;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonToken;

/** Names of the kinds of JSON values, for messages. */
final class JsonKinds {

  private JsonKinds() {}

  static String of(@Nullable JsonToken token) {
    if (token == null) {
      return "nothing";
    }
    return switch (token) {
      case START_ARRAY -> "an array";
      case START_OBJECT -> "an object";
      case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT -> "a number";
      case VALUE_TRUE, VALUE_FALSE -> "a boolean";
      case VALUE_NULL -> "null";
      case VALUE_STRING -> "a string";
      default -> token.toString().toLowerCase(Locale.ROOT);
    };
  }
}
