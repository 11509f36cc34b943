package io.github.ggml4j.trainer.data.internal.files;

import io.github.ggml4j.error.InvalidArgumentException;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/**
 * A pattern of file names with the usual meaning: {@code *} and {@code ?} match within one name,
 * {@code **} matches across folders ({@code **}{@code /} also matches no folder), {@code [abc]},
 * {@code [!abc]} and {@code {a,b}} are alternatives. A pattern without a slash matches file names
 * in any folder. A name that starts with a dot matches only if the pattern contains the dot.
 */
public final class Glob {

  private final String pattern;
  private final Pattern regex;
  private final boolean nameOnly;
  private final boolean matchesHidden;

  /**
   * Compiles a pattern.
   *
   * @throws InvalidArgumentException if the pattern is empty or has unbalanced brackets
   */
  public Glob(String pattern) {
    this(pattern, pattern.indexOf('/') < 0 && !pattern.equals("**"));
  }

  private Glob(String pattern, boolean nameOnly) {
    if (pattern.isEmpty()) {
      throw new InvalidArgumentException(
          "glob", "empty", "a pattern of file names, such as *.txt", "** matches every file.");
    }
    this.pattern = pattern;
    this.nameOnly = nameOnly;
    this.matchesHidden = pattern.startsWith(".") || pattern.contains("/.");
    this.regex = compile(pattern);
  }

  /** A pattern of whole paths: without a slash, it matches only files of the top folder. */
  public static Glob ofPath(String pattern) {
    return new Glob(pattern, false);
  }

  /** Whether a path with forward slashes, relative to the root, matches. */
  public boolean matches(String path) {
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
            throw bad(glob, "}", "{");
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
      throw bad(glob, "{", "}");
    }
    return Pattern.compile(regex.toString(), Pattern.DOTALL);
  }

  private static InvalidArgumentException bad(String glob, String bracket, String missing) {
    return new InvalidArgumentException(
        "glob", glob, "a pattern in which every " + bracket + " has a matching " + missing);
  }

  /** Translates the class that starts after [ at {@code start}; returns the index after its ]. */
  private static int appendClass(String glob, int start, StringBuilder regex) {
    int end = glob.indexOf(']', start + 1);
    if (end < 0) {
      throw bad(glob, "[", "]");
    }
    String members = glob.substring(start, end);
    boolean negated = members.startsWith("!") || members.startsWith("^");
    String body = (negated ? members.substring(1) : members).replaceAll("[\\[\\]\\\\&^]", "\\\\$0");
    String translated = "(?!/)[" + (negated ? "^" : "") + body + "]";
    try {
      Pattern.compile(translated);
    } catch (PatternSyntaxException _) {
      throw new InvalidArgumentException(
          "glob", glob, "a valid character class instead of [" + members + "]");
    }
    regex.append(translated);
    return end + 1;
  }
}
