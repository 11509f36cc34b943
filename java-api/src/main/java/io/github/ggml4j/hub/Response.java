package io.github.ggml4j.hub;

import java.net.URI;
import java.net.http.HttpHeaders;
import org.jspecify.annotations.Nullable;

/**
 * An answer. Closing it gives up what is left of its body.
 *
 * @param uri who answered, after redirects
 */
record Response(int status, HttpHeaders headers, Body body, URI uri) implements AutoCloseable {
  @Nullable String header(String name) {
    return headers.firstValue(name).orElse(null);
  }

  boolean isSuccess() {
    return status >= 200 && status < 300;
  }

  /** Where the answer sends to; null when it does not. */
  @Nullable URI redirect() {
    boolean redirects =
        status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
    var location = header("location");
    return redirects && location != null ? Urls.resolve(uri, location) : null;
  }

  /** A whole number of a header; -1 when there is none that makes sense. */
  long number(String name) {
    var text = header(name);
    return text != null && text.matches("\\d{1,18}") ? Long.parseLong(text) : -1;
  }

  @Override
  public void close() {
    body.close();
  }
}
