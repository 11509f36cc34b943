package io.github.ggml4j;

import io.github.ggml4j.bindings.NativeLibrary;
import io.github.ggml4j.internal.GlobalSeed;
import io.github.ggml4j.tensor.MatmulPrecision;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Properties;

/** Settings and information of the whole library. */
public final class Ggml4j {
  private static final String POM = "/META-INF/maven/io.github.ggml4j/ggml4j/pom.properties";

  private Ggml4j() {}

  /**
   * Makes calls that set no seed repeatable, as Hugging Face's {@code set_seed}. After each call of
   * this method with the same seed, the same sequence of calls generates the same texts.
   *
   * <p>Thread-safe. If several threads generate, the results depend on the order of their calls.
   */
  public static void setSeed(long seed) {
    GlobalSeed.set(seed);
  }

  /**
   * Sets how exactly float32 matrices are multiplied in this process, as {@code
   * torch.set_float32_matmul_precision}. Only NVIDIA GPUs use it. Takes effect with the next
   * computation.
   *
   * @param precision {@code highest}, the default, multiplies in float32; {@code high} lets tensor
   *     cores round the factors to TF32, which has 10 bits of mantissa and is faster
   * @throws IllegalArgumentException for another name
   */
  public static void setFloat32MatmulPrecision(String precision) {
    MatmulPrecision.set(MatmulPrecision.of(precision));
  }

  /** Returns {@code highest} or {@code high}; see {@link #setFloat32MatmulPrecision}. */
  public static String getFloat32MatmulPrecision() {
    return MatmulPrecision.current().torchName();
  }

  /** The version of this library; {@code unknown} if its classes are not loaded from its jar. */
  public static String version() {
    // The version in the manifest is not available on the module path; this file is.
    try (var in = Ggml4j.class.getResourceAsStream(POM)) {
      var properties = new Properties();
      if (in != null) {
        properties.load(in);
      }
      return properties.getProperty("version", "unknown");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * Describes the native libraries in several lines, for a bug report: versions, folder and
   * instruction sets. Loads the libraries.
   */
  public static String describeNatives() {
    return NativeLibrary.describe().strip();
  }
}
