package io.github.ggml4j.internal;

/** Text from a file, made fit for an error message. */
public final class Names {
  private static final int MAX_LENGTH = 80;

  private Names() {}

  /** The text in quotes, shortened, with control characters replaced. */
  public static String quote(String text) {
    StringBuilder quoted = new StringBuilder("'");
    int length = Math.min(text.length(), MAX_LENGTH);
    for (int i = 0; i < length; i++) {
      char c = text.charAt(i);
      quoted.append(Character.isISOControl(c) ? '?' : c);
    }
    if (length < text.length()) {
      quoted.append("...");
    }
    return quoted.append('\'').toString();
  }
}
