package io.github.ggml4j.trainer.data;

import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/**
 * File name patterns with the usual meaning: {@code *} and {@code ?} stay within one name, {@code
 * **} crosses folders (and {@code **}{@code /} also stands for no folder at all), {@code [abc]},
 * {@code [!abc]} and {@code {a,b}} choose. A pattern without a slash matches the name of a file in
 * any folder. Names that start with a dot match only where the pattern spells the dot.
 */
final class Glob {

  private final String pattern;
  private final Pattern regex;
  private final boolean nameOnly;
  private final boolean matchesHidden;

  Glob(String pattern) {
    this(pattern, pattern.indexOf('/') < 0 && !pattern.equals("**"));
  }

  private Glob(String pattern, boolean nameOnly) {
    if (pattern.isEmpty()) {
      throw new IllegalArgumentException("glob must not be empty; ** matches every file");
    }
    this.pattern = pattern;
    this.nameOnly = nameOnly;
    this.matchesHidden = pattern.startsWith(".") || pattern.contains("/.");
    this.regex = compile(pattern);
  }

  /** A pattern that also without a slash stands for the path, not for a name in any folder. */
  static Glob ofPath(String pattern) {
    return new Glob(pattern, false);
  }

  /** Whether a path with forward slashes, relative to the root, matches. */
  boolean matches(String path) {
    if (!matchesHidden && (path.startsWith(".") || path.contains("/."))) {
      return false;
    }
    String subject = nameOnly ? path.substring(path.lastIndexOf('/') + 1) : path;
    return regex.matcher(subject).matches();
  }

  @Override
  public String toString() {
    return pattern;
  }

  private static Pattern compile(String glob) {
    StringBuilder regex = new StringBuilder();
    int braces = 0;
    int i = 0;
    while (i < glob.length()) {
      char c = glob.charAt(i);
      if (glob.startsWith("**/", i)) {
        regex.append("(?:[^/]+/)*");
        i += 3;
        continue;
      }
      if (glob.startsWith("**", i)) {
        regex.append(".*");
        i += 2;
        continue;
      }
      i++;
      switch (c) {
        case '*' -> regex.append("[^/]*");
        case '?' -> regex.append("[^/]");
        case '{' -> {
          regex.append("(?:");
          braces++;
        }
        case '}' -> {
          if (braces == 0) {
            throw new IllegalArgumentException("glob has a } without {: " + glob);
          }
          regex.append(')');
          braces--;
        }
        case ',' -> regex.append(braces > 0 ? "|" : ",");
        case '[' -> i = appendClass(glob, i, regex);
        default -> regex.append(Pattern.quote(String.valueOf(c)));
      }
    }
    if (braces > 0) {
      throw new IllegalArgumentException("glob has a { without }: " + glob);
    }
    return Pattern.compile(regex.toString(), Pattern.DOTALL);
  }

  /** Translates the class that starts after [ at {@code start}; returns the index after its ]. */
  private static int appendClass(String glob, int start, StringBuilder regex) {
    int end = glob.indexOf(']', start + 1);
    if (end < 0) {
      throw new IllegalArgumentException("glob has a [ without ]: " + glob);
    }
    String members = glob.substring(start, end);
    boolean negated = members.startsWith("!") || members.startsWith("^");
    String body = (negated ? members.substring(1) : members).replaceAll("[\\[\\]\\\\&^]", "\\\\$0");
    String translated = "(?!/)[" + (negated ? "^" : "") + body + "]";
    try {
      Pattern.compile(translated);
    } catch (PatternSyntaxException e) {
      throw new IllegalArgumentException("glob has a bad class [" + members + "]: " + glob, e);
    }
    regex.append(translated);
    return end + 1;
  }
}
