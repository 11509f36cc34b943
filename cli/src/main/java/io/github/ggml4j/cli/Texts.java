package io.github.ggml4j.cli;

import java.io.PrintWriter;

/** Prints generated texts. */
final class Texts {
  private Texts() {}

  /** Prints a text with its number, followed by an empty line; with number 0, the text alone. */
  static void print(PrintWriter out, int number, String text) {
    if (number == 0) {
      out.println(text);
      return;
    }
    out.println("[" + number + "] " + text.stripTrailing());
    out.println();
  }
}
