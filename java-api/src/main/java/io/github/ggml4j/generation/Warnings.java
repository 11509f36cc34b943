package io.github.ggml4j.generation;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Logs each warning once in a process, because options are read for every call. Thread-safe. After
 * {@value #MOST} different ones it stops, so that messages with changing values do not pile up.
 */
final class Warnings {
  private static final System.Logger LOG =
      System.getLogger(GenerationConfig.class.getPackageName());
  private static final int MOST = 1000;
  private static final Set<String> LOGGED = ConcurrentHashMap.newKeySet();

  private Warnings() {}

  static void once(String message) {
    if (LOGGED.size() < MOST && LOGGED.add(message)) {
      LOG.log(System.Logger.Level.WARNING, message);
    }
  }
}
