package io.github.ggml4j.cli;

import io.github.ggml4j.tensor.MatmulPrecision;
import picocli.CommandLine.Option;

/** How exactly a GPU multiplies. */
final class PrecisionOptions {
  @Option(
      names = "--tf32",
      description =
          "Let an NVIDIA GPU round float32 to TF32 for products: faster, less exact. No effect on"
              + " the CPU.")
  private boolean tf32;

  /** To be called before a model is loaded. */
  void apply() {
    MatmulPrecision.set(tf32 ? MatmulPrecision.HIGH : MatmulPrecision.HIGHEST);
  }
}
