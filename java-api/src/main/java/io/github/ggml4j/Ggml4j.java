package io.github.ggml4j;

import io.github.ggml4j.bindings.NativeLibrary;
import io.github.ggml4j.generation.GlobalSeed;
import io.github.ggml4j.tensor.MatmulPrecision;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Properties;

/** What concerns the library as a whole. */
public final class Ggml4j {
  private static final String POM = "/META-INF/maven/io.github.ggml4j/ggml4j/pom.properties";

  private Ggml4j() {}

  /**
   * Makes the calls without a seed of their own repeatable, as Hugging Face's {@code set_seed}:
   * after it the first, second and every later one generate what they did after the last time.
   *
   * <p>Thread-safe; when several threads generate, the order of their calls decides.
   */
  public static void setSeed(long seed) {
    GlobalSeed.set(seed);
  }

  /**
   * How exactly float32 matrices are multiplied in this process, as {@code
   * torch.set_float32_matmul_precision}. It makes a difference on NVIDIA GPUs alone.
   *
   * @param precision {@code highest} (the default: float32 is float32) or {@code high} (tensor
   *     cores may round what they multiply to TF32, with 10 bits of mantissa, which is faster),
   *     from the next computation on
   * @throws IllegalArgumentException for another name
   */
  public static void setFloat32MatmulPrecision(String precision) {
    MatmulPrecision.set(MatmulPrecision.of(precision));
  }

  /** {@code highest} or {@code high}, see {@link #setFloat32MatmulPrecision}. */
  public static String getFloat32MatmulPrecision() {
    return MatmulPrecision.current().torchName();
  }

  /** The version of this library, or {@code unknown} when its classes come from no jar. */
  public static String version() {
    // Unlike a manifest's version, this is there on the module path too.
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
   * Which native libraries are in use, from where and for which instruction sets: several lines for
   * a bug report. Loads them.
   */
  public static String describeNatives() {
    return NativeLibrary.describe().strip();
  }
}
