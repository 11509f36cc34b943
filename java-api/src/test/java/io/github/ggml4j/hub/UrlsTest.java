package io.github.ggml4j.hub;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What decides where a token and a file may go. */
class UrlsTest {
  private static final URI HUB = URI.create("https://hub.example/api");

  @ParameterizedTest
  @CsvSource({
    "https://hub.example/x, true, false",
    "https://HUB.example:443/, true, false",
    "https://hub.example:8443/, false, false",
    "http://hub.example/, false, true",
    "http://hub.example:443/, false, true",
    "https://hub.example.evil/, false, false",
    "https://evil/hub.example, false, false",
  })
  void originsAndEncryption(URI other, boolean same, boolean plain) {
    assertThat(Urls.sameOrigin(HUB, other)).isEqualTo(same);
    assertThat(Urls.losesEncryption(HUB, other)).isEqualTo(plain);
  }

  @ParameterizedTest
  @CsvSource({
    "/a b, https://hub.example/a%20b",
    "//other/x, https://other/x",
    "?a=1, https://hub.example/?a=1",
  })
  void referencesAreResolved(String reference, String address) {
    assertThat(Urls.resolve(HUB, reference)).hasToString(address);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "file:///etc/passwd",
        "ftp://hub.example/x",
        "https://me@hub.example/x",
        "https://hub.example:99999/x",
        "https://",
        "javascript:alert(1)",
      })
  void whatIsNoWebAddressIsNone(String reference) {
    assertThat(Urls.resolve(HUB, reference)).isNull();
  }
}
