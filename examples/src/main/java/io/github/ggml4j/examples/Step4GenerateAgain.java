package io.github.ggml4j.examples;

import io.github.ggml4j.TextGenerator;

/** Continues the beginning of a function with the fine-tuned model. */
public final class Step4GenerateAgain {
  private Step4GenerateAgain() {}

  /** Optional argument: the folder that {@link Step3FineTune} wrote. */
  public static void main(String... args) {
    try (var generator = TextGenerator.load(args.length > 0 ? args[0] : "target/code-model")) {
      generator
          .generate("def sum(a, b):", g -> g.maxLength(100).numReturnSequences(5).seed(42))
          .forEach(System.out::println);
    }
  }
}
