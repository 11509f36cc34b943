package io.github.ggml4j.cli;

import java.nio.file.Path;

/** Paths of the user's own. */
final class UserFiles {
  private UserFiles() {}

  /** The home of the environment; the JDK asks the list of users, which not all are in. */
  static Path home() {
    var home = System.getenv("HOME");
    return Path.of(home == null || home.isEmpty() ? System.getProperty("user.home") : home);
  }
}
