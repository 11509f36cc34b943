package io.github.ggml4j.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ProxiesTest {
  @TempDir Path cache;

  private static @Nullable String proxy(String uri, String... variables) {
    Map<String, String> map = new HashMap<>();
    for (int i = 0; i < variables.length; i += 2) {
      map.put(variables[i], variables[i + 1]);
    }
    var address = Proxies.of(map).select(URI.create(uri));
    return address == null ? null : address.host() + ":" + address.port();
  }

  @Test
  void eachSchemeHasItsVariable() {
    assertThat(proxy("http://a.b/", "HTTP_PROXY", "http://p:1")).isEqualTo("p:1");
    assertThat(proxy("https://a.b/", "HTTP_PROXY", "http://p:1")).isNull();
    assertThat(proxy("https://a.b/", "HTTPS_PROXY", "http://p:1")).isEqualTo("p:1");
    assertThat(proxy("https://a.b/", "ALL_PROXY", "p:1", "http_proxy", "q:2")).isEqualTo("p:1");
    assertThat(proxy("http://a.b/", "ALL_PROXY", "p:1", "http_proxy", "q:2")).isEqualTo("q:2");
  }

  @Test
  void lowerCaseComesFirst() {
    assertThat(proxy("http://a.b/", "HTTP_PROXY", "p:1", "http_proxy", "q:2")).isEqualTo("q:2");
    assertThat(proxy("http://a.b/", "HTTP_PROXY", "p:1", "http_proxy", "")).isNull();
    assertThat(proxy("http://a.b/", "HTTP_PROXY", "p:1", "REQUEST_METHOD", "GET")).isNull();
  }

  /** As Python's httpx decides. */
  @ParameterizedTest
  @CsvSource({
    "a.b, http://a.b/, true",
    "a.b, http://x.a.b/, true",
    "a.b, http://xa.b/, false",
    ".a.b, http://a.b/, false",
    ".a.b, http://x.a.b/, true",
    "*.a.b, http://x.a.b/, true",
    "*.a.b, http://a.b/, false",
    "A.B, https://a.b/, true",
    "a.b:8080, http://a.b:8080/, true",
    "a.b:8080, http://a.b/, false",
    "a.b:443, https://a.b/, true",
    "localhost, http://localhost:9/, true",
    "localhost, http://x.localhost/, false",
    "10.0.0.1, http://10.0.0.1/, true",
    "10.0.0.1, http://10.0.0.12/, false",
    "10.0.0.0/8, http://10.9.8.7/, true",
    "10.0.0.0/8, http://11.9.8.7/, false",
    "192.168.128.0/17, http://192.168.127.1/, false",
    "192.168.128.0/17, http://192.168.129.1/, true",
    "::1, http://[::1]:80/, true",
    "fe80::/10, http://[fe80::5]/, true",
    "https://a.b, http://a.b/, false",
    "https://a.b, https://a.b/, true",
    "all://a.b, http://a.b/, true",
    "*, http://a.b/, true"
  })
  void noProxy(String entry, String uri, boolean direct) {
    var chosen = proxy(uri, "ALL_PROXY", "http://p:1", "NO_PROXY", "other.host, " + entry);
    assertThat(chosen).isEqualTo(direct ? null : "p:1");
  }

  @Test
  void whatCannotBeUsedIsNotShown() {
    assertThatThrownBy(() -> proxy("https://a.b/", "HTTPS_PROXY", "socks5://me:secret@p:1"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("HTTPS_PROXY")
        .hasMessageNotContaining("secret");
  }

  @Test
  void requestsGoThroughTheProxy() throws IOException {
    try (var hub = new FakeHub().file("config.json", "{}");
        var proxy = new FakeProxy()) {
      var endpoint = hub.endpoint().replace("127.0.0.1", "hub.example");
      var file = client(Map.of("HTTP_PROXY", proxy.address("me:a%20b@")), endpoint);
      assertThat(file.model("org/name").file("config.json")).hasContent("{}");
      assertThat(proxy.heads)
          .isNotEmpty()
          .allSatisfy(head ->
              assertThat(head)
                  .contains(" " + endpoint + "/")
                  .containsIgnoringCase("proxy-authorization: Basic bWU6YSBi"));
      assertThat(hub.requests).isNotEmpty();
    }
  }

  @Test
  void hostsOfNoProxyAreAskedDirectly() throws IOException {
    try (var hub = new FakeHub().file("config.json", "{}");
        var proxy = new FakeProxy()) {
      var variables = Map.of("http_proxy", proxy.address(""), "no_proxy", "127.0.0.1");
      var file = client(variables, hub.endpoint()).model("org/name").file("config.json");
      assertThat(file).hasContent("{}");
      assertThat(proxy.heads).isEmpty();
    }
  }

  @ParameterizedTest
  @CsvSource({
    "407 Proxy Authentication Required, name:password@host",
    "403 Forbidden, the proxy does not connect to hub.example"
  })
  void addressesOfHttpsAreTunnelled(String answer, String message) throws IOException {
    try (var proxy = new FakeProxy()) {
      proxy.tunnel = answer;
      var hub =
          Hub.builder(new HubEnvironment(Map.of("https_proxy", proxy.address("")), cache))
              .endpoint("https://hub.example")
              .cache(cache)
              .build();
      assertThatThrownBy(() -> hub.model("org/name").commit())
          .isInstanceOf(HubException.class)
          .hasMessageContaining(message)
          .extracting(e -> ((HubException) e).reason())
          .isEqualTo(HubException.Reason.PROXY);
      assertThat(proxy.heads).singleElement().asString().startsWith("CONNECT hub.example:443 ");
    }
  }

  private Hub client(Map<String, String> variables, String endpoint) {
    return Hub.builder(new HubEnvironment(variables, cache))
        .endpoint(endpoint)
        .cache(cache)
        .retries(0)
        .timeout(Duration.ofSeconds(10))
        .build();
  }

  /** A proxy that knows all hosts as this one, and opens tunnels to nobody. */
  private static final class FakeProxy implements AutoCloseable {
    private final ServerSocket server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    final List<String> heads = new CopyOnWriteArrayList<>();
    volatile String tunnel = "";

    FakeProxy() throws IOException {
      Thread.startVirtualThread(() -> {
        while (!server.isClosed()) {
          try {
            var socket = server.accept();
            Thread.startVirtualThread(() -> serve(socket));
          } catch (IOException e) {
            return;
          }
        }
      });
    }

    String address(String user) {
      return "http://" + user + "127.0.0.1:" + server.getLocalPort();
    }

    private void serve(Socket socket) {
      try (socket) {
        var head = head(socket.getInputStream());
        heads.add(head);
        var out = socket.getOutputStream();
        if (head.startsWith("CONNECT")) {
          out.write(ascii("HTTP/1.1 " + tunnel + "\r\nContent-Length: 0\r\n\r\n"));
          return;
        }
        var method = head.substring(0, head.indexOf(' '));
        var uri = URI.create(head.substring(method.length() + 1, head.indexOf(" HTTP/")));
        try (var onward = new Socket(InetAddress.getLoopbackAddress(), uri.getPort())) {
          forward(method, uri, onward, out);
        }
      } catch (IOException e) {
        // The client has gone
      }
    }

    private static void forward(String method, URI uri, Socket onward, OutputStream out)
        throws IOException {
      var target = uri.getRawPath() + (uri.getRawQuery() == null ? "" : "?" + uri.getRawQuery());
      onward
          .getOutputStream()
          .write(
              ascii(method + " " + target + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
      onward.getInputStream().transferTo(out);
    }

    private static String head(InputStream in) throws IOException {
      var head = new StringBuilder();
      for (int c = in.read(); c >= 0; c = in.read()) {
        head.append((char) c);
        if (head.toString().endsWith("\r\n\r\n")) {
          break;
        }
      }
      return head.toString();
    }

    private static byte[] ascii(String text) {
      return text.getBytes(StandardCharsets.US_ASCII);
    }

    @Override
    public void close() throws IOException {
      server.close();
    }
  }
}
