package io.github.ggml4j.hub;

import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** What a {@link Hub} was built with. */
record HubSettings(
    URI endpoint,
    Proxies proxies,
    @Nullable Token token,
    Path cache,
    boolean offline,
    int retries,
    Duration retryDelay,
    Duration timeout,
    int parallel,
    Consumer<? super TransferProgress> progress) {

  /** Longer than this, a wait that a server asks for is an error instead. */
  static final Duration MAX_RETRY_DELAY = Duration.ofMinutes(5);

  URI address(String path) {
    return URI.create(endpoint + "/" + path);
  }
}
