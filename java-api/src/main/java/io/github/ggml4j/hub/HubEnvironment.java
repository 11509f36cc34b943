package io.github.ggml4j.hub;

import io.github.ggml4j.internal.Names;
import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The settings that Python's {@code huggingface_hub} reads from environment variables, by the same
 * rules.
 */
final class HubEnvironment {
  static final String DEFAULT_ENDPOINT = "https://huggingface.co";
  private static final Set<String> TRUE = Set.of("1", "ON", "YES", "TRUE");
  private static final Pattern VARIABLE = Pattern.compile("\\$(?:\\{(\\w+)}|(\\w+))");
  private static final long MAX_TOKEN_FILE_BYTES = 64 << 10;

  private final Map<String, String> variables;
  private final Path userHome;

  HubEnvironment(Map<String, String> variables, Path userHome) {
    this.variables = variables;
    this.userHome = userHome;
  }

  static HubEnvironment system() {
    boolean windows = System.getProperty("os.name").startsWith("Windows");
    return new HubEnvironment(System.getenv(), userHome(System.getenv(), windows));
  }

  /** As Python finds it. The JDK asks the system's list of users, where others may stand. */
  static Path userHome(Map<String, String> variables, boolean windows) {
    var home = variables.get(windows ? "USERPROFILE" : "HOME");
    return Path.of(home == null || home.isEmpty() ? System.getProperty("user.home", ".") : home);
  }

  /** {@code HF_ENDPOINT}, else the public Hub. */
  URI endpoint() {
    return endpoint(get("HF_ENDPOINT", DEFAULT_ENDPOINT), "HF_ENDPOINT");
  }

  /** Checks the address of a Hub. */
  static URI endpoint(String text, String source) {
    try {
      var stripped = text.strip();
      while (stripped.endsWith("/")) {
        stripped = stripped.substring(0, stripped.length() - 1);
      }
      var uri = new URI(stripped);
      if (Urls.isWeb(uri) && uri.getRawQuery() == null && uri.getRawFragment() == null) {
        return uri;
      }
    } catch (URISyntaxException e) {
      // Told below, without the text, which may hold a password
    }
    throw new IllegalArgumentException(
        source
            + " is not the address of a Hub; expected something like "
            + DEFAULT_ENDPOINT
            + ", without a user name, '?' or '#'");
  }

  /** {@code HF_HOME}, else {@code huggingface} in the user's cache folder. */
  Path home() {
    var home = variables.get("HF_HOME");
    if (home != null) {
      return path("HF_HOME", home);
    }
    var cache = variables.get("XDG_CACHE_HOME");
    return (cache != null ? path("XDG_CACHE_HOME", cache) : userHome.resolve(".cache"))
        .resolve("huggingface");
  }

  /** {@code HF_HUB_CACHE}, else its older name, else {@code hub} in {@link #home()}. */
  Path cache() {
    for (String name : new String[] {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"}) {
      var value = variables.get(name);
      if (value != null) {
        return path(name, value);
      }
    }
    return home().resolve("hub");
  }

  /** {@code HF_TOKEN}, else the file that a login writes; null without either. */
  @Nullable Token token() {
    if (isTrue("HF_HUB_DISABLE_IMPLICIT_TOKEN")) {
      return null;
    }
    for (String name : new String[] {"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"}) {
      var value = variables.get(name);
      if (value != null && !value.isBlank()) {
        return Token.of(value, name);
      }
    }
    var named = variables.get("HF_TOKEN_PATH");
    var file = named != null ? path("HF_TOKEN_PATH", named) : home().resolve("token");
    try {
      if (!Files.isRegularFile(file) || Files.size(file) > MAX_TOKEN_FILE_BYTES) {
        return null;
      }
      var value = Files.readString(file, StandardCharsets.UTF_8);
      return value.isBlank() ? null : Token.of(value, file.toString());
    } catch (IOException e) {
      System.getLogger(HubEnvironment.class.getName())
          .log(System.Logger.Level.WARNING, "Cannot read the access token in " + file, e);
      return null;
    }
  }

  /** {@code HF_HUB_OFFLINE}, else {@code TRANSFORMERS_OFFLINE}. */
  boolean offline() {
    var offline = variables.get("HF_HUB_OFFLINE");
    return isTrue(offline == null || offline.isEmpty() ? "TRANSFORMERS_OFFLINE" : "HF_HUB_OFFLINE");
  }

  /** {@code HF_HUB_DOWNLOAD_TIMEOUT} in seconds, else 10. */
  Duration timeout() {
    var seconds = get("HF_HUB_DOWNLOAD_TIMEOUT", "10").strip();
    if (!seconds.matches("\\d{1,6}")) {
      throw new IllegalArgumentException(
          "HF_HUB_DOWNLOAD_TIMEOUT is "
              + Names.quote(seconds)
              + "; expected a whole number of seconds, as in 30");
    }
    return Duration.ofSeconds(Math.max(1, Long.parseLong(seconds)));
  }

  /** The proxies of {@code HTTP_PROXY} and its like. */
  Proxies proxies() {
    return Proxies.of(variables);
  }

  private boolean isTrue(String name) {
    return TRUE.contains(get(name, "").toUpperCase(Locale.ROOT));
  }

  private String get(String name, String otherwise) {
    var value = variables.get(name);
    return value == null || value.isEmpty() ? otherwise : value;
  }

  /** A path with a leading {@code ~} and variables in it, as a shell would read it. */
  private Path path(String name, String value) {
    var expanded =
        value.equals("~") || value.startsWith("~/") ? userHome + value.substring(1) : value;
    expanded =
        VARIABLE
            .matcher(expanded)
            .replaceAll(found -> {
              var variable = found.group(1) != null ? found.group(1) : found.group(2);
              return Matcher.quoteReplacement(variables.getOrDefault(variable, found.group()));
            });
    try {
      return Path.of(expanded);
    } catch (InvalidPathException e) {
      throw new IllegalArgumentException(
          name + " is " + Names.quote(value) + "; expected the path of a folder", e);
    }
  }
}
