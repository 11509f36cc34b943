package io.github.ggml4j.hub;

import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;

/**
 * Chooses files as {@code allow_patterns} of Python's {@code snapshot_download}: {@code *} stands
 * for anything, slashes too, {@code ?} for one character, {@code [abc]} for one of several; a
 * pattern that ends in {@code /} for all in a folder.
 */
final class Patterns {
  private final List<Pattern> patterns;

  Patterns(List<String> globs) {
    patterns = globs.stream().map(Patterns::compile).toList();
  }

  /** Whether a path is chosen; without patterns all are. */
  boolean choose(String path) {
    return patterns.isEmpty() || patterns.stream().anyMatch(p -> p.matcher(path).matches());
  }

  private static Pattern compile(String glob) {
    var text = glob.endsWith("/") ? glob + "*" : glob;
    var regex = new StringBuilder();
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      int close = c == '[' ? text.indexOf(']', i + 2) : -1;
      if (c == '*') {
        // Several are as one, and do not make matching slow
        regex.append(i > 0 && text.charAt(i - 1) == '*' ? "" : ".*");
      } else if (c == '?') {
        regex.append('.');
      } else if (close > 0) {
        regex.append(oneOf(text.substring(i + 1, close)));
        i = close;
      } else {
        regex.append(Pattern.quote(String.valueOf(c)));
      }
    }
    return Pattern.compile(regex.toString(), Pattern.DOTALL);
  }

  /**
   * One of the characters and ranges between brackets, or with a {@code !} in front none of them.
   */
  private static String oneOf(String inside) {
    boolean none = inside.startsWith("!");
    var members = new StringBuilder();
    for (int i = none ? 1 : 0; i < inside.length(); i++) {
      char from = inside.charAt(i);
      boolean range = i + 2 < inside.length() && inside.charAt(i + 1) == '-';
      char to = range ? inside.charAt(i + 2) : from;
      if (from <= to) { // else there is nothing between them
        members.append(String.format(Locale.ROOT, "\\u%04x-\\u%04x", (int) from, (int) to));
      }
      i += range ? 2 : 0;
    }
    if (members.isEmpty()) {
      return none ? "." : "(?!)";
    }
    return (none ? "[^" : "[") + members + "]";
  }
}
