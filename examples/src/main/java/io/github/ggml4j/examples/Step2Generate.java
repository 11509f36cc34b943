package io.github.ggml4j.examples;

import io.github.ggml4j.TextGenerator;

/** Generates five continuations of a text. The same seed gives the same texts. */
public final class Step2Generate {
  private Step2Generate() {}

  /** Optional argument: the text to continue. */
  public static void main(String... args) {
    var prompt = args.length > 0 ? args[0] : "Once upon a time";
    try (var generator = TextGenerator.load("bundled")) {
      generator
          .generate(prompt, g -> g.maxLength(100).numReturnSequences(5).seed(42))
          .forEach(System.out::println);
    }
  }
}
