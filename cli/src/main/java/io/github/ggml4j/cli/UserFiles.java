package io.github.ggml4j.cli;

import java.nio.file.Path;

/** The user's folders. */
final class UserFiles {
  private UserFiles() {}

  /**
   * The folder in HOME. The JDK's user.home uses the system's list of users, which may lack the
   * user.
   */
  static Path home() {
    var home = System.getenv("HOME");
    return Path.of(home == null || home.isEmpty() ? System.getProperty("user.home") : home);
  }
}
