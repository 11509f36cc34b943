package io.github.ggml4j.examples;

import io.github.ggml4j.TextGenerator;
import io.github.ggml4j.trainer.Progress;
import io.github.ggml4j.trainer.Trainer;
import io.github.ggml4j.trainer.data.Datasets;
import io.github.ggml4j.trainer.optim.AdamW;
import java.nio.file.Path;

/** The complete lab, as shown in the README. */
public final class Lab {
  private Lab() {}

  /** Optional argument: a folder with code. */
  public static void main(String... args) {
    run(Path.of(args.length > 0 ? args[0] : "examples/code"), 5);
  }

  static void run(Path code, int epochs) {
    try (var generator = TextGenerator.load("bundled")) { // or a Hugging Face folder, a .gguf file
      System.out.println(generator.model().summary());
      generator
          .generate("Once upon a time", g -> g.maxLength(100).numReturnSequences(5).seed(42))
          .forEach(System.out::println);
      Trainer.of(generator.model(), generator.tokenizer())
          .batchSize(4)
          .epochs(epochs)
          .maxSequenceLength(128)
          .packing(true)
          .optimizer(AdamW.learningRate(2e-3))
          .progress(Progress.console())
          .fit(Datasets.folder(code, "*.py"));
      generator
          .generate("def sum(a, b):", g -> g.maxLength(100).numReturnSequences(5).seed(42))
          .forEach(System.out::println);
    }
  }
}
