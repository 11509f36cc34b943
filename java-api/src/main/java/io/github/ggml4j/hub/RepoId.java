package io.github.ggml4j.hub;

import io.github.ggml4j.error.InvalidArgumentException;
import io.github.ggml4j.internal.Names;
import java.util.regex.Pattern;

/**
 * The name of a repository.
 *
 * @param kind what it holds
 * @param id {@code name} or {@code org/name}
 */
record RepoId(Kind kind, String id) {
  private static final Pattern FORM =
      Pattern.compile("(?:\\b[\\w\\-.]{1,96}\\b/)?\\b[\\w\\-.]{1,96}\\b");

  /** What a repository holds. */
  enum Kind {
    MODEL("model", ""),
    DATASET("dataset", "datasets/");

    private final String noun;
    private final String prefix;

    Kind(String noun, String prefix) {
      this.noun = noun;
      this.prefix = prefix;
    }

    String noun() {
      return noun;
    }
  }

  RepoId {
    if (!isValid(id)) {
      throw new InvalidArgumentException(
          "repository",
          Names.quote(id),
          "name or org/name of letters, digits, '-', '_' and '.', without '--' or '..'");
    }
  }

  static boolean isValid(String id) {
    return FORM.matcher(id).matches()
        && !id.contains("--")
        && !id.contains("..")
        && !id.endsWith(".git");
  }

  /** The path of its files' addresses. */
  String urlPath() {
    return kind.prefix + id;
  }

  /** Its path in the API. */
  String apiPath() {
    return "api/" + kind.noun + "s/" + id;
  }

  /** Its folder in the cache. */
  String folder() {
    return kind.noun + "s--" + id.replace("/", "--");
  }

  @Override
  public String toString() {
    return kind == Kind.MODEL ? id : kind.prefix + id;
  }
}
