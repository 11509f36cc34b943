package io.github.ggml4j.format.internal;

/** Strings of JSON. */
public final class JsonText {
  private JsonText() {}

  /** Appends a text in quotes, with escapes only where JSON calls for them. */
  public static StringBuilder quote(StringBuilder out, String text) {
    return quote(out, text, Character.MAX_VALUE);
  }

  /** As {@link #quote(StringBuilder, String)}, with escapes for all that is not ASCII too. */
  static StringBuilder quoteAscii(StringBuilder out, String text) {
    return quote(out, text, '~');
  }

  private static StringBuilder quote(StringBuilder out, String text, char lastPlain) {
    out.append('"');
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '"' -> out.append("\\\"");
        case '\\' -> out.append("\\\\");
        case '\n' -> out.append("\\n");
        case '\r' -> out.append("\\r");
        case '\t' -> out.append("\\t");
        case '\b' -> out.append("\\b");
        case '\f' -> out.append("\\f");
        default -> {
          if (c < ' ' || c > lastPlain) {
            String hex = Integer.toHexString(c);
            out.append("\\u").repeat('0', 4 - hex.length()).append(hex);
          } else {
            out.append(c);
          }
        }
      }
    }
    return out.append('"');
  }
}
