package io.github.ggml4j.hub;

import java.io.IOException;
import java.net.Proxy;
import java.net.ProxySelector;
import java.net.SocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** The connections that all {@link Hub}s with the same proxies share. */
final class Connections {
  private static final Map<Proxies, Connections> SHARED = new ConcurrentHashMap<>();

  private final Proxies proxies;
  private @Nullable HttpClient client;

  private Connections(Proxies proxies) {
    this.proxies = proxies;
  }

  static Connections through(Proxies proxies) {
    return SHARED.computeIfAbsent(proxies, Connections::new);
  }

  /**
   * A request that was sent.
   *
   * @param client the client that sends the request
   */
  record Sent(HttpClient client, CompletableFuture<HttpResponse<Body>> answer) {}

  synchronized Sent send(HttpRequest request, Duration patience) {
    var current = client;
    if (current == null) {
      current = connect();
      client = current;
    }
    return new Sent(current, current.sendAsync(request, _ -> new Body(patience)));
  }

  /**
   * Closes a client after its responses are complete. The JDK's client keeps a connection open for
   * ever, with all its buffers, if it cannot parse the head of a response; only closing the client
   * closes it.
   */
  synchronized void renew(HttpClient broken) {
    if (broken.equals(client)) {
      client = null;
      broken.shutdown();
    }
  }

  private HttpClient connect() {
    var builder =
        HttpClient.newBuilder()
            // A connection for each file is faster than one for all
            .version(HttpClient.Version.HTTP_1_1)
            .followRedirects(HttpClient.Redirect.NEVER)
            .connectTimeout(Duration.ofSeconds(10));
    if (!proxies.isEmpty()) {
      builder.proxy(new Selector(proxies));
    }
    return builder.build();
  }

  private static final class Selector extends ProxySelector {
    private final Proxies proxies;

    Selector(Proxies proxies) {
      this.proxies = proxies;
    }

    @Override
    public List<Proxy> select(URI uri) {
      var proxy = proxies.select(uri);
      return List.of(
          proxy == null ? Proxy.NO_PROXY : new Proxy(Proxy.Type.HTTP, proxy.socketAddress()));
    }

    @Override
    public void connectFailed(URI uri, SocketAddress address, IOException e) {
      // The request fails too
    }
  }
}
