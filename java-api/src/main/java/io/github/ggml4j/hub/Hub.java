package io.github.ggml4j.hub;

import io.github.ggml4j.error.InvalidArgumentException;
import io.github.ggml4j.internal.Check;
import java.nio.file.Path;
import java.time.Duration;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The Hugging Face Hub, or another server that speaks its protocol, with a cache folder and an
 * access token.
 *
 * <p>{@link #defaults()} reads the environment variables of Python's {@code huggingface_hub}:
 * {@code HF_ENDPOINT}, {@code HF_TOKEN} or the token of a login, {@code HF_HUB_CACHE}, {@code
 * HF_HOME}, {@code HF_HUB_OFFLINE}, {@code HF_HUB_DOWNLOAD_TIMEOUT}, and {@code HTTP_PROXY}, {@code
 * HTTPS_PROXY}, {@code ALL_PROXY}, {@code NO_PROXY}; without one of the latter, Java's own settings
 * of proxies hold. The cache folder has Python's layout, so that each finds what the other
 * downloaded.
 *
 * <p>The token is sent to the endpoint only, never to a host that it redirects to, and is in no
 * message. Thread-safe.
 */
public final class Hub {
  private final HubSettings settings;
  private final Transport transport;

  private Hub(HubSettings settings) {
    this.settings = settings;
    this.transport = new Transport(settings);
  }

  /** The Hub as the environment variables say. */
  public static Hub defaults() {
    return builder().build();
  }

  /** Options that start from the environment variables. */
  public static Builder builder() {
    return new Builder(HubEnvironment.system());
  }

  /** As {@link #builder()}, from other variables. */
  static Builder builder(HubEnvironment environment) {
    return new Builder(environment);
  }

  /**
   * A repository with a model, at its branch {@code main}.
   *
   * @param id {@code name} or {@code org/name}
   * @throws InvalidArgumentException if it is not a valid name of a repository
   */
  public HubRepo model(String id) {
    return repo(new RepoId(RepoId.Kind.MODEL, id));
  }

  /**
   * A repository with a data set, at its branch {@code main}.
   *
   * @param id {@code name} or {@code org/name}
   * @throws InvalidArgumentException if it is not a valid name of a repository
   */
  public HubRepo dataset(String id) {
    return repo(new RepoId(RepoId.Kind.DATASET, id));
  }

  private HubRepo repo(RepoId id) {
    return new HubRepo(settings, transport, id, HubRepo.MAIN);
  }

  /** Whether a text has the form of a repository's name. */
  public static boolean isRepoId(String text) {
    return RepoId.isValid(text);
  }

  /** The address of the server. */
  public String endpoint() {
    return settings.endpoint().toString();
  }

  /** The cache folder. */
  public Path cache() {
    return settings.cache();
  }

  /** Whether only the cache is used. */
  public boolean offline() {
    return settings.offline();
  }

  @Override
  public String toString() {
    return "Hub["
        + settings.endpoint()
        + ", cache "
        + settings.cache()
        + (settings.token() == null ? "" : ", with a token")
        + (settings.offline() ? ", offline" : "")
        + "]";
  }

  /** Options of a {@link Hub}. Not thread-safe. */
  public static final class Builder {
    private final HubEnvironment environment;
    private @Nullable String endpoint;
    private @Nullable Token token;
    private boolean anonymous;
    private @Nullable Path cache;
    private @Nullable Boolean offline;
    private int retries = 5;
    private Duration retryDelay = Duration.ofSeconds(1);
    private @Nullable Duration timeout;
    private int parallel = 8;
    private Consumer<? super TransferProgress> progress = _ -> {};

    private Builder(HubEnvironment environment) {
      this.environment = environment;
    }

    /**
     * The address of the server. Default: {@code HF_ENDPOINT}, else the public Hub.
     *
     * @throws IllegalArgumentException if it is not the address of a web server
     */
    public Builder endpoint(String value) {
      HubEnvironment.endpoint(value, "The endpoint");
      endpoint = value;
      return this;
    }

    /**
     * The access token. Default: {@code HF_TOKEN}, else that of a login.
     *
     * @throws IllegalArgumentException if it contains characters that no token contains
     */
    public Builder token(String value) {
      token = Token.of(value, "the options");
      anonymous = false;
      return this;
    }

    /** No access token, whatever the environment has. */
    public Builder anonymous() {
      token = null;
      anonymous = true;
      return this;
    }

    /** The cache folder. Default: {@code HF_HUB_CACHE}, else {@code hub} in {@code HF_HOME}. */
    public Builder cache(Path folder) {
      cache = folder;
      return this;
    }

    /** Whether to use the cache only. Default: {@code HF_HUB_OFFLINE}, else false. */
    public Builder offline(boolean value) {
      offline = value;
      return this;
    }

    /**
     * The number of retries of a request after a broken connection or if the server is busy.
     * Default: 5. The delay doubles from {@link #retryDelay} up to 8 seconds; a delay that the
     * server asks for takes precedence.
     *
     * @throws InvalidArgumentException if it is negative
     */
    public Builder retries(int count) {
      retries = Check.atLeast("retries", count, 0);
      return this;
    }

    /**
     * The delay before the first retry. Default: 1 second.
     *
     * @throws InvalidArgumentException if it is negative
     */
    public Builder retryDelay(Duration delay) {
      if (delay.isNegative()) {
        throw new InvalidArgumentException("retryDelay", delay, "at least 0");
      }
      retryDelay = delay;
      return this;
    }

    /**
     * The longest wait for a response or for its next bytes. Default: {@code
     * HF_HUB_DOWNLOAD_TIMEOUT}, else 10 seconds.
     *
     * @throws InvalidArgumentException if it is not positive
     */
    public Builder timeout(Duration value) {
      if (value.isNegative() || value.isZero()) {
        throw new InvalidArgumentException("timeout", value, "more than 0");
      }
      timeout = value;
      return this;
    }

    /**
     * The number of files that are downloaded at the same time. Default: 8.
     *
     * @throws InvalidArgumentException if it is less than 1
     */
    public Builder parallel(int files) {
      parallel = Check.atLeast("parallel", files, 1);
      return this;
    }

    /**
     * A listener for the progress of downloads. Calls for one download do not overlap. An exception
     * from the listener ends the download.
     */
    public Builder progress(Consumer<? super TransferProgress> listener) {
      progress = listener;
      return this;
    }

    /**
     * The Hub with these options.
     *
     * @throws IllegalArgumentException if an environment variable has an invalid value
     */
    public Hub build() {
      var address =
          endpoint == null
              ? environment.endpoint()
              : HubEnvironment.endpoint(endpoint, "The endpoint");
      return new Hub(
          new HubSettings(
              address,
              environment.proxies(),
              token != null || anonymous ? token : environment.token(),
              (cache != null ? cache : environment.cache()).toAbsolutePath().normalize(),
              offline != null ? offline : environment.offline(),
              retries,
              retryDelay,
              timeout != null ? timeout : environment.timeout(),
              parallel,
              progress));
    }
  }
}
