package io.github.ggml4j.hub;

import java.net.URI;
import java.net.http.HttpRequest;

/** An access token. It is sent to the endpoint only and never shown. */
final class Token {
  private final String value;

  private Token(String value) {
    this.value = value;
  }

  /**
   * Checks a token, without showing it in the error.
   *
   * @param source where the token was given, for the error
   */
  static Token of(String value, String source) {
    var stripped = value.strip();
    if (stripped.isEmpty()
        || stripped.length() > 4096
        || !stripped.chars().allMatch(c -> c > ' ' && c < 0x7f)) {
      throw new IllegalArgumentException(
          "The access token from "
              + source
              + " is empty or contains characters that no token contains. Copy it again from the"
              + " settings of your account.");
    }
    return new Token(stripped);
  }

  /** Adds the token to a request to the endpoint's host. */
  void authorize(HttpRequest.Builder request, URI target, URI endpoint) {
    if (Urls.sameOrigin(target, endpoint)) {
      request.setHeader("Authorization", "Bearer " + value);
    }
  }

  @Override
  public String toString() {
    return "***";
  }
}
