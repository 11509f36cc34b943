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
 * The proxies that {@code HTTP_PROXY}, {@code HTTPS_PROXY}, {@code ALL_PROXY} and {@code NO_PROXY}
 * name, by the rules of Python's clients.
 *
 * @param http for addresses of http; null for none
 * @param https for addresses of https; null for none
 * @param direct what is reached without a proxy: hosts, which include those below them, {@code
 *     .domain} or {@code *.domain} for those below alone, addresses, networks, each perhaps with a
 *     port
 */
record Proxies(@Nullable String http, @Nullable String https, List<String> direct) {
  static final Proxies NONE = new Proxies(null, null, List.of());

  /**
   * A proxy.
   *
   * @param authorization what it is told of the user; null for nothing
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

  /** Lower case first; of {@code HTTP_PROXY} a CGI server's client could choose the value. */
  private static @Nullable String variable(Map<String, String> variables, String name) {
    var lower = variables.get(name);
    boolean cgi = name.equals("http_proxy") && variables.containsKey("REQUEST_METHOD");
    var value = lower != null || cgi ? lower : variables.get(name.toUpperCase(Locale.ROOT));
    return value == null || value.isBlank() ? null : value.strip();
  }

  /** Whether none is named, so that Java's own settings hold. */
  boolean isEmpty() {
    return http == null && https == null;
  }

  /**
   * The proxy for an address; null for none.
   *
   * @throws IllegalArgumentException when a variable names no proxy that can be used
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
    var place = scheme < 0 ? entry : entry.substring(scheme + 3);
    var host = uri.getHost().toLowerCase(Locale.ROOT).replaceAll("[\\[\\]]", "");
    if (place.matches("(\\[.*]|[^:]*):\\d{1,5}")) {
      int colon = place.lastIndexOf(':');
      if (Integer.parseInt(place.substring(colon + 1)) != Urls.port(uri)) {
        return false;
      }
      place = place.substring(0, colon);
    }
    place = place.replaceAll("[\\[\\]]", "");
    int slash = place.indexOf('/');
    if (slash >= 0) {
      return isWithin(host, place.substring(0, slash), place.substring(slash + 1));
    }
    if (place.startsWith("*.") || place.startsWith(".")) {
      return host.endsWith(place.substring(place.indexOf('.')));
    }
    var address = literal(place);
    return address == null
        ? host.equals(place) || (host.endsWith("." + place) && !place.equals("localhost"))
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
      return null; // A name
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
      // Told below, without the text, which may hold a password
    }
    throw new IllegalArgumentException(
        variable
            + " (or ALL_PROXY) names no proxy that can be used; expected something like"
            + " http://host:3128, for addresses of https too. NO_PROXY=* goes without.");
  }

  private static String basic(String user) {
    var plain = URLDecoder.decode(user.replace("+", "%2B"), StandardCharsets.UTF_8);
    return "Basic " + Base64.getEncoder().encodeToString(plain.getBytes(StandardCharsets.UTF_8));
  }
}
