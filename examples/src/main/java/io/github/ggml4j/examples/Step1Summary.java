package io.github.ggml4j.examples;

import io.github.ggml4j.TextGenerator;

/** What a model is made of: its layers with their shapes and parameters, and its configuration. */
public final class Step1Summary {
  private Step1Summary() {}

  /** Takes a model: a Hugging Face folder, a .gguf file, or the bundled one. */
  public static void main(String... args) {
    try (var generator = TextGenerator.load(args.length > 0 ? args[0] : "bundled")) {
      System.out.println(generator.model().summary());
      System.out.println(generator.model().config());
    }
  }
}
