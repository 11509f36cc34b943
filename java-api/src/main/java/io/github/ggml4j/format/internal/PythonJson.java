package io.github.ggml4j.format.internal;

import java.math.BigDecimal;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Writes JSON as Python's {@code json.dumps(value, indent=2, sort_keys=True)} does, which is the
 * form of every configuration file that Hugging Face's libraries write.
 */
public final class PythonJson {
  private PythonJson() {}

  /** The object with sorted keys, two spaces of indentation and a final line feed. */
  public static String write(Map<String, ? extends @Nullable Object> object) {
    StringBuilder out = new StringBuilder();
    append(out, object, 0);
    return out.append('\n').toString();
  }

  /** A value as it stands in a document, with the indentation of a member at this depth. */
  public static String nested(@Nullable Object value, int depth) {
    StringBuilder out = new StringBuilder();
    append(out, value, depth);
    return out.toString();
  }

  /** The text as a JSON string in ASCII, quotes included. */
  public static String quote(String text) {
    return JsonText.quoteAscii(new StringBuilder(text.length() + 2), text).toString();
  }

  /** The number as Python's {@code repr} writes it: 0.1, 1e-05, 1.0, 1e+16. */
  public static String number(double value) {
    if (Double.isNaN(value) || Double.isInfinite(value)) {
      throw new IllegalArgumentException(value + " has no form in JSON; expected a finite number");
    }
    if (value == 0) {
      return 1 / value < 0 ? "-0.0" : "0.0";
    }
    BigDecimal decimal = new BigDecimal(Double.toString(value)).stripTrailingZeros();
    String digits = decimal.unscaledValue().abs().toString();
    int exponent = digits.length() - 1 - decimal.scale();
    StringBuilder out = new StringBuilder(value < 0 ? "-" : "");
    if (exponent < -4 || exponent >= 16) {
      out.append(digits.charAt(0));
      if (digits.length() > 1) {
        out.append('.').append(digits, 1, digits.length());
      }
      out.append('e').append(exponent < 0 ? '-' : '+');
      int magnitude = Math.abs(exponent);
      return out.append(magnitude < 10 ? "0" : "").append(magnitude).toString();
    }
    if (exponent < 0) {
      return out.append("0.").repeat('0', -exponent - 1).append(digits).toString();
    }
    int whole = exponent + 1;
    if (digits.length() <= whole) {
      return out.append(digits).repeat('0', whole - digits.length()).append(".0").toString();
    }
    return out.append(digits, 0, whole)
        .append('.')
        .append(digits, whole, digits.length())
        .toString();
  }

  private static void append(StringBuilder out, @Nullable Object value, int depth) {
    switch (value) {
      case null -> out.append("null");
      case String text -> out.append(quote(text));
      case Double number -> out.append(number(number));
      case Float number -> out.append(number(Double.parseDouble(number.toString())));
      case Number number -> out.append(number);
      case Boolean flag -> out.append(flag);
      case Map<?, ?> map -> appendMap(out, map, depth);
      case List<?> list -> appendList(out, list, depth);
      default ->
          throw new IllegalArgumentException(
              value.getClass().getName()
                  + " has no form in JSON; expected null, Boolean, Number, String, List or Map");
    }
  }

  private static void appendMap(StringBuilder out, Map<?, ?> map, int depth) {
    if (map.isEmpty()) {
      out.append("{}");
      return;
    }
    TreeMap<String, @Nullable Object> sorted = new TreeMap<>();
    map.forEach((key, value) -> sorted.put(String.valueOf(key), value));
    out.append('{');
    String separator = "\n";
    for (Map.Entry<String, @Nullable Object> entry : sorted.entrySet()) {
      out.append(separator).repeat(' ', 2 * depth + 2);
      out.append(quote(entry.getKey())).append(": ");
      append(out, entry.getValue(), depth + 1);
      separator = ",\n";
    }
    out.append('\n').repeat(' ', 2 * depth).append('}');
  }

  private static void appendList(StringBuilder out, Collection<?> list, int depth) {
    if (list.isEmpty()) {
      out.append("[]");
      return;
    }
    out.append('[');
    String separator = "\n";
    for (Object item : list) {
      out.append(separator).repeat(' ', 2 * depth + 2);
      append(out, item, depth + 1);
      separator = ",\n";
    }
    out.append('\n').repeat(' ', 2 * depth).append(']');
  }
}
