package io.github.ggml4j.cli;

import java.io.PrintWriter;

/** How generated texts are shown. */
final class Texts {
  private Texts() {}

  /** One of several with its number and an empty line behind it; number 0: as it is. */
  static void print(PrintWriter out, int number, String text) {
    if (number == 0) {
      out.println(text);
      return;
    }
    out.println("[" + number + "] " + text.stripTrailing());
    out.println();
  }
}
