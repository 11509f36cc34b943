package io.github.ggml4j.hub;

import java.net.http.HttpHeaders;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Delays between attempts of a request. */
final class Waiting {
  private static final Duration MAX_BACKOFF = Duration.ofSeconds(8);
  private static final Pattern RATE_LIMIT = Pattern.compile("r=(\\d{1,9})\\s*;\\s*t=(\\d{1,9})");

  private Waiting() {}

  /**
   * Returns the delay before the next attempt. It doubles with each attempt and varies randomly by
   * a quarter, so that clients that failed together do not retry together.
   *
   * @param attempt number of failed attempts before this one
   */
  static Duration backoff(Duration first, int attempt) {
    var doubled = first.multipliedBy(1L << Math.min(attempt, 10));
    var bounded = doubled.compareTo(MAX_BACKOFF) < 0 ? doubled : MAX_BACKOFF;
    double factor = 0.75 + ThreadLocalRandom.current().nextDouble() / 2;
    return Duration.ofNanos((long) (bounded.toNanos() * factor));
  }

  /** Returns the delay that the server requests; null if it requests none. */
  static @Nullable Duration requested(int status, HttpHeaders headers) {
    if (status == 429) {
      var limit = RATE_LIMIT.matcher(headers.firstValue("ratelimit").orElse(""));
      if (limit.find() && Long.parseLong(limit.group(1)) == 0) {
        return Duration.ofSeconds(Long.parseLong(limit.group(2)) + 1);
      }
    }
    return headers.firstValue("retry-after").map(Waiting::retryAfter).orElse(null);
  }

  private static @Nullable Duration retryAfter(String header) {
    var text = header.strip();
    if (text.matches("\\d{1,9}")) {
      return Duration.ofSeconds(Long.parseLong(text));
    }
    try {
      var moment = ZonedDateTime.parse(text, DateTimeFormatter.RFC_1123_DATE_TIME).toInstant();
      var wait = Duration.between(Instant.now(), moment);
      return wait.isNegative() ? Duration.ZERO : wait;
    } catch (DateTimeException e) {
      return null;
    }
  }

  static void sleep(Duration duration) {
    try {
      Thread.sleep(duration);
    } catch (InterruptedException e) {
      throw interrupted();
    }
  }

  static CancellationException interrupted() {
    Thread.currentThread().interrupt();
    return new CancellationException("Interrupted");
  }

  static String seconds(Duration duration) {
    return String.format(Locale.ROOT, "%.3g s", duration.toNanos() / 1e9);
  }
}
