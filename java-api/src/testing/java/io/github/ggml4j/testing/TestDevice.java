package io.github.ggml4j.testing;

import io.github.ggml4j.tensor.Device;
import io.github.ggml4j.tensor.MatmulPrecision;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Assumptions;

/**
 * A device that the golden tests run on. Which ones is said by {@code -Dggml4j.test.device}, names
 * of {@link Device#open} by commas, those of GPUs perhaps with {@code -tf32} behind; without it
 * those that every machine has.
 *
 * @param name as in {@link Device#open}
 * @param arithmetic the bounds of its results
 */
public record TestDevice(String name, Arithmetic arithmetic) {
  /** The tag of tests that run on any device. */
  public static final String TAG = "device";

  private static final String PROPERTY = "ggml4j.test.device";
  private static final String CPU = "cpu";
  private static final String STOCK = "cpu-stock";
  private static final String TF32 = "-tf32";

  /** All that were asked for. */
  public static List<TestDevice> all() {
    var names = System.getProperty(PROPERTY, CPU + "," + STOCK);
    return Arrays.stream(names.split(",")).map(String::strip).map(TestDevice::of).toList();
  }

  private static TestDevice of(String name) {
    if (name.endsWith(TF32)) {
      var device = name.substring(0, name.length() - TF32.length());
      return new TestDevice(device, Arithmetic.GPU_TF32);
    }
    return new TestDevice(
        name,
        switch (name) {
          case CPU -> Arithmetic.CPU;
          case STOCK -> Arithmetic.CPU_STOCK;
          default -> Arithmetic.GPU;
        });
  }

  /** Opens it, with one CPU thread. */
  public Device open() {
    return open(1);
  }

  /**
   * Opens it.
   *
   * @param threads for kernels of our own; ggml's ops get by with one
   */
  public Device open(int threads) {
    boolean tf32 = arithmetic == Arithmetic.GPU_TF32;
    MatmulPrecision.set(tf32 ? MatmulPrecision.HIGH : MatmulPrecision.HIGHEST);
    return Device.open(name, arithmetic == Arithmetic.CPU ? threads : 1);
  }

  /** Whether it is the CPU. */
  public boolean isCpu() {
    return arithmetic == Arithmetic.CPU || arithmetic == Arithmetic.CPU_STOCK;
  }

  /** Skips the rest of a test that belongs to the CPU. */
  public void assumeCpu(String reason) {
    Assumptions.assumeTrue(isCpu(), "Belongs to the CPU: " + reason);
  }

  /** Skips the rest of a test of the kernels of our own. */
  public void assumeKernels(String reason) {
    Assumptions.assumeTrue(arithmetic == Arithmetic.CPU, "Belongs to the CPU's kernels: " + reason);
  }

  /** Skips the rest of a test whose outcome hangs on every logit being exact. */
  public void assumeExact(boolean halfWeights) {
    Assumptions.assumeTrue(
        arithmetic.exact(halfWeights),
        "Products are rounded here, and an outcome is only certain where logits are exact to 3e-4");
  }

  @Override
  public String toString() {
    return arithmetic == Arithmetic.GPU_TF32 ? name + TF32 : name;
  }
}
