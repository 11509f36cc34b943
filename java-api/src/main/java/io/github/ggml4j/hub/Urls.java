package io.github.ggml4j.hub;

import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Builds, resolves, compares and prints URLs. */
final class Urls {
  private static final String UNRESERVED = "-._~";
  private static final String LEGAL = UNRESERVED + ":/?#[]@!$&'()*+,;=%";
  private static final int MAX_LENGTH = 16_384;

  private Urls() {}

  /** Percent-encodes one segment of a path, including its slashes. */
  static String encode(String segment) {
    return escape(segment, UNRESERVED);
  }

  /** Percent-encodes a path, except its slashes. */
  static String encodePath(String path) {
    return escape(path, UNRESERVED + "/");
  }

  private static String escape(String text, String kept) {
    var escaped = new StringBuilder();
    for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
      int c = b & 0xff;
      boolean plain = c < 0x80 && Character.isLetterOrDigit(c);
      if (plain || kept.indexOf(c) >= 0) {
        escaped.append((char) c);
      } else {
        escaped.append(String.format(Locale.ROOT, "%%%02X", c));
      }
    }
    return escaped.toString();
  }

  /**
   * Resolves a reference from a server, such as a redirect.
   *
   * @return null if the result is not an HTTP or HTTPS URL
   */
  static @Nullable URI resolve(URI base, String reference) {
    if (reference.length() > MAX_LENGTH) {
      return null;
    }
    try {
      var resolved = base.resolve(new URI(escape(reference.strip(), LEGAL)));
      return isWeb(resolved) ? resolved : null;
    } catch (URISyntaxException | IllegalArgumentException e) {
      return null;
    }
  }

  /** Whether this is an HTTP or HTTPS URL with a host and without a user name. */
  static boolean isWeb(URI uri) {
    var scheme = uri.getScheme();
    return scheme != null
        && (scheme.equalsIgnoreCase("http") || scheme.equalsIgnoreCase("https"))
        && uri.getHost() != null
        && uri.getRawUserInfo() == null
        && uri.getPort() <= 0xffff;
  }

  /** Whether scheme, host and port are the same. */
  static boolean sameOrigin(URI a, URI b) {
    return a.getScheme().equalsIgnoreCase(b.getScheme())
        && a.getHost().equalsIgnoreCase(b.getHost())
        && port(a) == port(b);
  }

  /** The port, or the default port of the scheme. */
  static int port(URI uri) {
    return uri.getPort() >= 0 ? uri.getPort() : isSecure(uri) ? 443 : 80;
  }

  /** Whether the scheme is HTTPS. */
  static boolean isSecure(URI uri) {
    return uri.getScheme().equalsIgnoreCase("https");
  }

  /** Whether this is a redirect from HTTPS to HTTP. */
  static boolean losesEncryption(URI from, URI to) {
    return isSecure(from) && !isSecure(to);
  }

  /** The URL for messages, without the query, which may contain a signature. */
  static String show(URI uri) {
    var path = uri.getRawPath() == null ? "" : uri.getRawPath();
    return uri.getScheme() + "://" + uri.getRawAuthority() + path;
  }
}
