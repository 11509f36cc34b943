package io.github.ggml4j.tensor;

import io.github.ggml4j.bindings.NativeLibrary;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/**
 * How exactly float32 matrices are multiplied, under the names of {@code
 * torch.set_float32_matmul_precision}. It holds for the whole process.
 */
public enum MatmulPrecision {
  /** In float32. */
  HIGHEST,
  /**
   * NVIDIA's tensor cores may round what they multiply to TF32, which has 10 bits of mantissa; sums
   * stay float32. Faster there, and the same as {@link #HIGHEST} on all other devices.
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
   * @throws IllegalArgumentException for another name; the message lists those there are
   */
  public static MatmulPrecision of(String name) {
    return Arrays.stream(values())
        .filter(precision -> precision.torchName().equals(name))
        .findFirst()
        .orElseThrow(() ->
            new IllegalArgumentException(
                "The precision is \""
                    + name
                    + "\", expected "
                    + Arrays.stream(values())
                        .map(precision -> '"' + precision.torchName() + '"')
                        .collect(Collectors.joining(" or "))));
  }

  /** What holds now. Default: {@link #HIGHEST}. */
  public static MatmulPrecision current() {
    return current;
  }

  /** Sets what holds from the next computation on. */
  public static void set(MatmulPrecision precision) {
    current = precision;
    if (NativeLibrary.isLoaded()) {
      apply();
    }
  }

  /** Tells the backends that know the choice; to be called when one was loaded. */
  static void apply() {
    NativeLibrary.cuda().ifPresent(cuda -> cuda.allowTf32(current == HIGH));
  }
}
