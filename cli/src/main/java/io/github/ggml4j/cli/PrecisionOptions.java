package io.github.ggml4j.cli;

import io.github.ggml4j.tensor.MatmulPrecision;
import picocli.CommandLine.Option;

/** The option for the precision of matrix products on a GPU. */
final class PrecisionOptions {
  @Option(
      names = "--tf32",
      description =
          "Use TF32 for float32 matrix products on an NVIDIA GPU: faster, less precise. No effect"
              + " on the CPU.")
  @SetsParameter("float32MatmulPrecision")
  private boolean tf32;

  /** Call this before a model is loaded. */
  void apply() {
    MatmulPrecision.set(tf32 ? MatmulPrecision.HIGH : MatmulPrecision.HIGHEST);
  }
}
