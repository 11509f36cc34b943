package io.github.ggml4j.generation;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Logs each warning once per process, because options are read for every call. Logs at most {@value
 * #MAX_MESSAGES} different warnings, so that messages with changing values do not use more and more
 * memory. Thread-safe.
 */
final class Warnings {
  private static final System.Logger LOG =
      System.getLogger(GenerationConfig.class.getPackageName());
  private static final int MAX_MESSAGES = 1000;
  private static final Set<String> LOGGED = ConcurrentHashMap.newKeySet();

  private Warnings() {}

  static void once(String message) {
    if (LOGGED.size() < MAX_MESSAGES && LOGGED.add(message)) {
      LOG.log(System.Logger.Level.WARNING, message);
    }
  }
}
