package io.github.ggml4j.examples;

import io.github.ggml4j.TextGenerator;

/** Five continuations of a text; the same seed gives the same ones again. */
public final class Step2Generate {
  private Step2Generate() {}

  /** Takes a text to continue, or none. */
  public static void main(String... args) {
    var prompt = args.length > 0 ? args[0] : "Once upon a time";
    try (var generator = TextGenerator.load("bundled")) {
      generator
          .generate(prompt, g -> g.maxLength(100).numReturnSequences(5).seed(42))
          .forEach(System.out::println);
    }
  }
}
