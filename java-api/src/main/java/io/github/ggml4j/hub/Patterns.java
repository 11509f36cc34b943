package io.github.ggml4j.hub;

import java.util.List;
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
        var inside = text.substring(i + 1, close).replace("\\", "\\\\").replace("[", "\\[");
        regex.append('[').append(inside.replaceFirst("^!", "^")).append(']');
        i = close;
      } else {
        regex.append(Pattern.quote(String.valueOf(c)));
      }
    }
    return Pattern.compile(regex.toString(), Pattern.DOTALL);
  }
}
