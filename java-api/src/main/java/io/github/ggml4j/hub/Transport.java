package io.github.ggml4j.hub;

import java.io.IOException;
import java.net.ConnectException;
import java.net.ProtocolException;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpTimeoutException;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/** Sends requests with timeouts, redirects, the access token for its own host, and retries. */
final class Transport {
  /** A request that may be sent several times. */
  record Call(
      String method,
      URI uri,
      Map<String, String> headers,
      @Nullable Content content,
      Redirects redirects) {
    static Call get(URI uri) {
      return new Call("GET", uri, Map.of(), null, Redirects.ANY_HOST);
    }

    static Call head(URI uri) {
      return new Call("HEAD", uri, Map.of(), null, Redirects.SAME_HOST);
    }

    static Call send(String method, URI uri, Content content) {
      return new Call(method, uri, Map.of(), content, Redirects.ANY_HOST);
    }

    Call with(String name, String value) {
      Map<String, String> more = new LinkedHashMap<>(headers);
      more.put(name, value);
      return new Call(method, uri, Map.copyOf(more), content, redirects);
    }
  }

  /** The body of a request, opened again for each attempt. */
  @FunctionalInterface
  interface Content {
    HttpRequest.BodyPublisher open() throws IOException;
  }

  /** Which redirects are followed. */
  enum Redirects {
    /** Returns a redirect to another host, or one with metadata of its target, to the caller. */
    SAME_HOST,
    /** Follows every redirect. */
    ANY_HOST
  }

  private static final int MAX_REDIRECTS = 10;
  private static final int MAX_RETRIES_WITHOUT_NETWORK = 2;
  private static final Duration MAX_PROCESSING_TIME = Duration.ofMinutes(2);

  /** Bytes per millisecond; a slower upload times out. */
  private static final long MIN_UPLOAD_SPEED = 16;

  private static final String USER_AGENT = "ggml4j; java/" + Runtime.version().feature();
  private static final System.Logger LOG = System.getLogger(Transport.class.getName());

  private final HubSettings settings;

  /** Whether a response was received before. */
  private volatile boolean receivedResponse;

  private final Connections connections;

  Transport(HubSettings settings) {
    this.settings = settings;
    this.connections = Connections.through(settings.proxies());
  }

  boolean hasToken() {
    return settings.token() != null;
  }

  /**
   * Sends a request until the response is a success, or a redirect that is not followed. Retries
   * after a broken connection and after statuses such as 429 and 503.
   *
   * @throws HubException for any other response, and after the last attempt
   */
  Response send(Call call, Target target) {
    return send(call, target, settings.retries());
  }

  /** As {@link #send(Call, Target)}, with a number of retries. */
  Response send(Call call, Target target, int retries) {
    for (int attempt = 0; ; attempt++) {
      Duration wait;
      try {
        var response = follow(call, target);
        if (response.isSuccess() || response.redirect() != null) {
          return response;
        }
        try (response) {
          var failure = Failures.ofStatus(response, target, hasToken());
          var requested = Waiting.requested(response.status(), response.headers());
          boolean tooLong =
              requested != null && requested.compareTo(HubSettings.MAX_RETRY_DELAY) > 0;
          if (attempt >= retries || !mayRetry(response.status()) || tooLong) {
            throw failure;
          }
          wait = requested != null ? requested : Waiting.backoff(settings.retryDelay(), attempt);
          LOG.log(System.Logger.Level.DEBUG, () -> "Retrying: " + failure.getMessage());
        }
      } catch (IOException e) {
        if (Thread.currentThread().isInterrupted()) {
          throw Waiting.interrupted();
        }
        var failure = Failures.unreachable(call.uri(), target, e, attempt + 1);
        // Fewer retries if nothing was received yet: there may be no network at all
        boolean noNetwork = e instanceof ConnectException && !receivedResponse;
        int maxRetries = noNetwork ? Math.min(retries, MAX_RETRIES_WITHOUT_NETWORK) : retries;
        if (attempt >= maxRetries || failure.reason() == HubException.Reason.PROXY) {
          throw failure;
        }
        wait = Waiting.backoff(settings.retryDelay(), attempt);
        LOG.log(System.Logger.Level.DEBUG, () -> "Retrying: " + failure.getMessage());
      }
      Waiting.sleep(wait);
    }
  }

  /**
   * Sends a request once and returns the response, whatever its status.
   *
   * @throws HubException if there is no response
   */
  Response attempt(Call call, Target target) {
    try {
      return follow(call, target);
    } catch (IOException e) {
      throw Failures.unreachable(call.uri(), target, e, 1);
    }
  }

  private static boolean mayRetry(int status) {
    return switch (status) {
      case 408, 429, 500, 502, 503, 504 -> true;
      default -> false;
    };
  }

  private Response follow(Call call, Target target) throws IOException {
    URI uri = call.uri();
    for (int i = 0; i <= MAX_REDIRECTS; i++) {
      var response = exchange(call, uri);
      boolean redirects = response.status() / 100 == 3 && response.header("location") != null;
      if (!redirects) {
        return response;
      }
      var next = response.redirect();
      if (next == null) {
        response.close();
        throw Failures.badResponse(uri, target, "it redirects without an address");
      }
      if (Urls.losesEncryption(uri, next)) {
        response.close();
        throw Failures.badResponse(uri, target, "it redirects from https to http");
      }
      boolean known = response.header("x-linked-etag") != null;
      if (call.redirects() == Redirects.SAME_HOST
          && (known || !Urls.sameOrigin(call.uri(), next))) {
        return response;
      }
      response.body().readSome(4096); // Allows the connection to be reused
      response.close();
      uri = next;
    }
    throw Failures.badResponse(uri, target, "it redirects more than " + MAX_REDIRECTS + " times");
  }

  /** Sends one request; returns when the headers have been received. */
  private Response exchange(Call call, URI uri) throws IOException {
    var builder =
        HttpRequest.newBuilder(uri)
            .setHeader("User-Agent", USER_AGENT)
            .setHeader("Accept-Encoding", "identity"); // Sizes and ranges are those of the file
    call.headers().forEach(builder::setHeader);
    var proxy = settings.proxies().select(uri);
    if (proxy != null && proxy.authorization() != null) {
      builder.setHeader("Proxy-Authorization", proxy.authorization());
    }
    if (settings.token() != null) {
      settings.token().authorize(builder, uri, settings.endpoint());
    }
    var content = call.content();
    var body = content == null ? HttpRequest.BodyPublishers.noBody() : content.open();
    builder.method(call.method(), body);
    var sent = connections.send(builder.build(), settings.timeout());
    var answer = sent.answer();
    long limit = settings.timeout().toMillis();
    if (content != null) {
      // Allow time for the upload and for the server to process it
      limit = MAX_PROCESSING_TIME.toMillis() + Math.max(0, body.contentLength()) / MIN_UPLOAD_SPEED;
    }
    try {
      var response = answer.get(limit, TimeUnit.MILLISECONDS);
      receivedResponse = true;
      var received = response.body();
      if (received == null) { // For example if a proxy does not open a tunnel
        received = new Body(settings.timeout());
        received.onComplete();
      }
      return new Response(response.statusCode(), response.headers(), received, uri);
    } catch (InterruptedException e) {
      answer.cancel(true);
      throw Waiting.interrupted();
    } catch (TimeoutException e) {
      answer.cancel(true);
      throw new HttpTimeoutException("no response within " + Waiting.seconds(settings.timeout()));
    } catch (ExecutionException e) {
      var cause = e.getCause() == null ? e : e.getCause();
      if (!(cause instanceof IOException) || cause instanceof ProtocolException) {
        connections.renew(sent.client());
      }
      throw cause instanceof IOException io ? io : new IOException(cause.toString(), cause);
    }
  }
}
