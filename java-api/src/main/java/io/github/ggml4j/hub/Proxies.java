package io.github.ggml4j.hub;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The proxies of {@code HTTP_PROXY}, {@code HTTPS_PROXY}, {@code ALL_PROXY} and {@code NO_PROXY},
 * by the rules of Python's clients.
 *
 * @param http proxy for HTTP URLs; null for none
 * @param https proxy for HTTPS URLs; null for none
 * @param direct entries of {@code NO_PROXY}, each with an optional port: a host (includes its
 *     subdomains), {@code .domain} or {@code *.domain} (only subdomains), an IP address, or a
 *     network such as {@code 10.0.0.0/8}
 */
record Proxies(@Nullable String http, @Nullable String https, List<String> direct) {
  static final Proxies NONE = new Proxies(null, null, List.of());

  /**
   * A proxy.
   *
   * @param authorization value of the header Proxy-Authorization; null for none
   */
  record Address(String host, int port, @Nullable String authorization) {
    InetSocketAddress socketAddress() {
      return new InetSocketAddress(host, port);
    }
  }

  static Proxies of(Map<String, String> variables) {
    var all = variable(variables, "all_proxy");
    var http = variable(variables, "http_proxy");
    var https = variable(variables, "https_proxy");
    var none = variable(variables, "no_proxy");
    var direct =
        Arrays.stream((none == null ? "" : none).split(",", -1))
            .map(entry -> entry.strip().toLowerCase(Locale.ROOT))
            .filter(entry -> !entry.isEmpty())
            .toList();
    if (direct.contains("*")) {
      return NONE;
    }
    return new Proxies(http != null ? http : all, https != null ? https : all, direct);
  }

  /**
   * The value of a variable; the lower-case name takes precedence. Ignores {@code HTTP_PROXY} in a
   * CGI process, where the client can set it by a header.
   */
  private static @Nullable String variable(Map<String, String> variables, String name) {
    var lower = variables.get(name);
    boolean cgi = name.equals("http_proxy") && variables.containsKey("REQUEST_METHOD");
    var value = lower != null || cgi ? lower : variables.get(name.toUpperCase(Locale.ROOT));
    return value == null || value.isBlank() ? null : value.strip();
  }

  /** Whether no proxy is set. Java's own proxy settings apply then. */
  boolean isEmpty() {
    return http == null && https == null;
  }

  /**
   * The proxy for a URL; null for none.
   *
   * @throws IllegalArgumentException if the variable does not have the URL of an HTTP proxy
   */
  @Nullable Address select(URI uri) {
    var proxy = Urls.isSecure(uri) ? https : http;
    if (proxy == null || direct.stream().anyMatch(entry -> matches(entry, uri))) {
      return null;
    }
    return parse(proxy, Urls.isSecure(uri) ? "HTTPS_PROXY" : "HTTP_PROXY");
  }

  private static boolean matches(String entry, URI uri) {
    int scheme = entry.indexOf("://");
    if (scheme >= 0 && !entry.startsWith("all://")) {
      if (!uri.getScheme().equalsIgnoreCase(entry.substring(0, scheme))) {
        return false;
      }
    }
    var pattern = scheme < 0 ? entry : entry.substring(scheme + 3);
    var host = uri.getHost().toLowerCase(Locale.ROOT).replaceAll("[\\[\\]]", "");
    if (pattern.matches("(\\[.*]|[^:]*):\\d{1,5}")) {
      int colon = pattern.lastIndexOf(':');
      if (Integer.parseInt(pattern.substring(colon + 1)) != Urls.port(uri)) {
        return false;
      }
      pattern = pattern.substring(0, colon);
    }
    pattern = pattern.replaceAll("[\\[\\]]", "");
    int slash = pattern.indexOf('/');
    if (slash >= 0) {
      return isWithin(host, pattern.substring(0, slash), pattern.substring(slash + 1));
    }
    if (pattern.startsWith("*.") || pattern.startsWith(".")) {
      return host.endsWith(pattern.substring(pattern.indexOf('.')));
    }
    var address = literal(pattern);
    return address == null
        ? host.equals(pattern) || (host.endsWith("." + pattern) && !pattern.equals("localhost"))
        : address.equals(literal(host));
  }

  private static boolean isWithin(String host, String network, String bits) {
    var address = literal(host);
    var start = literal(network);
    if (address == null || start == null || !bits.matches("\\d{1,3}")) {
      return false;
    }
    byte[] a = address.getAddress();
    byte[] b = start.getAddress();
    int count = Integer.parseInt(bits);
    if (a.length != b.length || count > 8 * a.length) {
      return false;
    }
    for (int i = 0; i < count; i++) {
      if (((a[i / 8] ^ b[i / 8]) >> (7 - i % 8) & 1) != 0) {
        return false;
      }
    }
    return true;
  }

  private static @Nullable InetAddress literal(String text) {
    try {
      return text.isEmpty() ? null : InetAddress.ofLiteral(text);
    } catch (IllegalArgumentException e) {
      return null; // a host name
    }
  }

  private static Address parse(String proxy, String variable) {
    try {
      var uri = new URI(proxy.contains("://") ? proxy : "http://" + proxy);
      if ("http".equalsIgnoreCase(uri.getScheme()) && uri.getHost() != null) {
        var user = uri.getRawUserInfo();
        return new Address(
            uri.getHost().replaceAll("[\\[\\]]", ""),
            Urls.port(uri),
            user == null ? null : basic(user));
      }
    } catch (URISyntaxException e) {
      // reported below, without the text, which may contain a password
    }
    throw new IllegalArgumentException(
        variable
            + " (or ALL_PROXY) is not the URL of an HTTP proxy; expected for instance"
            + " http://host:3128, also for HTTPS_PROXY. NO_PROXY=* disables proxies.");
  }

  private static String basic(String user) {
    var plain = URLDecoder.decode(user.replace("+", "%2B"), StandardCharsets.UTF_8);
    return "Basic " + Base64.getEncoder().encodeToString(plain.getBytes(StandardCharsets.UTF_8));
  }
}
