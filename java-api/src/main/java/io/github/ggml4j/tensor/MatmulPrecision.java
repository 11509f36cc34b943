package io.github.ggml4j.tensor;

import io.github.ggml4j.bindings.NativeLibrary;
import io.github.ggml4j.error.InvalidArgumentException;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/**
 * How exactly float32 matrices are multiplied, under the names of {@code
 * torch.set_float32_matmul_precision}. A setting of the whole process.
 */
public enum MatmulPrecision {
  /** In float32. */
  HIGHEST,
  /**
   * NVIDIA's tensor cores may round the factors to TF32, which has 10 bits of mantissa; sums stay
   * float32. Faster on these; the same as {@link #HIGHEST} on all other devices.
   */
  HIGH;

  private static volatile MatmulPrecision current = HIGHEST;

  /** PyTorch's name, such as {@code high}. */
  public String torchName() {
    return name().toLowerCase(Locale.ROOT);
  }

  /**
   * The precision of a name.
   *
   * @throws IllegalArgumentException for another name; the message lists the names
   */
  public static MatmulPrecision of(String name) {
    return Arrays.stream(values())
        .filter(precision -> precision.torchName().equals(name))
        .findFirst()
        .orElseThrow(() ->
            new InvalidArgumentException(
                "precision",
                '"' + name + '"',
                Arrays.stream(values())
                    .map(precision -> '"' + precision.torchName() + '"')
                    .collect(Collectors.joining(" or "))));
  }

  /** The current precision. Default: {@link #HIGHEST}. */
  public static MatmulPrecision current() {
    return current;
  }

  /** Sets the precision of all computations that start from now on. */
  public static void set(MatmulPrecision precision) {
    current = precision;
    if (NativeLibrary.isLoaded()) {
      apply();
    }
  }

  /** Passes the setting to the loaded backends. Called when a backend was loaded. */
  static void apply() {
    NativeLibrary.cuda().ifPresent(cuda -> cuda.allowTf32(current == HIGH));
  }
}
