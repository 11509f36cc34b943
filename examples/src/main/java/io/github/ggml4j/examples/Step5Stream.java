package io.github.ggml4j.examples;

import io.github.ggml4j.TextGenerator;

/** Prints a text while it is generated. Closing the stream stops the generation. */
public final class Step5Stream {
  private Step5Stream() {}

  /** Optional argument: the text to continue. */
  public static void main(String... args) {
    var prompt = args.length > 0 ? args[0] : "The old man went down to the sea";
    try (var generator = TextGenerator.load("bundled");
        var pieces = generator.stream(prompt, g -> g.maxNewTokens(60).topP(0.9).seed(1))) {
      System.out.print(prompt);
      pieces.forEach(System.out::print);
      System.out.println();
    }
  }
}
