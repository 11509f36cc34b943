package io.github.ggml4j.hub;

import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Addresses: built, read and shown. */
final class Urls {
  private static final String UNRESERVED = "-._~";
  private static final String LEGAL = UNRESERVED + ":/?#[]@!$&'()*+,;=%";
  private static final int LONGEST = 16_384;

  private Urls() {}

  /** One part of a path, its slashes escaped too. */
  static String encode(String part) {
    return escape(part, UNRESERVED);
  }

  /** A path of several parts. */
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
   * Resolves what a server refers to.
   *
   * @return null when that is no address of a web server
   */
  static @Nullable URI resolve(URI base, String reference) {
    if (reference.length() > LONGEST) {
      return null;
    }
    try {
      var resolved = base.resolve(new URI(escape(reference.strip(), LEGAL)));
      return isWeb(resolved) ? resolved : null;
    } catch (URISyntaxException | IllegalArgumentException e) {
      return null;
    }
  }

  /** Whether this is the address of a web server, without a user name in it. */
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

  /** The port that is meant when none is named too. */
  static int port(URI uri) {
    return uri.getPort() >= 0 ? uri.getPort() : isSecure(uri) ? 443 : 80;
  }

  /** Whether the address is one of https. */
  static boolean isSecure(URI uri) {
    return uri.getScheme().equalsIgnoreCase("https");
  }

  /** Whether what was asked for over an encrypted connection would go on over a plain one. */
  static boolean losesEncryption(URI from, URI to) {
    return isSecure(from) && !isSecure(to);
  }

  /** The address for messages: without the query, which may hold a signature. */
  static String show(URI uri) {
    var path = uri.getRawPath() == null ? "" : uri.getRawPath();
    return uri.getScheme() + "://" + uri.getRawAuthority() + path;
  }
}
