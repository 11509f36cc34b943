package io.github.ggml4j.examples;

import io.github.ggml4j.TextGenerator;

/** Prints a model's layers with their shapes and parameters, and its configuration. */
public final class Step1Summary {
  private Step1Summary() {}

  /** Optional argument: a model, as a Hugging Face folder or a .gguf file. Default: bundled. */
  public static void main(String... args) {
    try (var generator = TextGenerator.load(args.length > 0 ? args[0] : "bundled")) {
      System.out.println(generator.model().summary());
      System.out.println(generator.model().config());
    }
  }
}
