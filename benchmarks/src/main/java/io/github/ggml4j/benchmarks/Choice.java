package io.github.ggml4j.benchmarks;

import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The devices to test and measure.
 *
 * @param reason why CUDA is not among them; empty if it is
 */
record Choice(List<String> devices, String reason) {
  private static final Duration PATIENCE = Duration.ofMinutes(1);

  /** The devices of the argument; if it is null, the CPU, and CUDA if it works. */
  static Choice of(Pack pack, @Nullable String wanted) {
    if (wanted != null) {
      return new Choice(Arrays.stream(wanted.split(",")).map(String::strip).toList(), "");
    }
    var tried =
        Child.run(
            pack.ggml4j("generate", "--device", "cuda", "--prompt", "The", "--max-new-tokens", "1"),
            pack.root(),
            PATIENCE);
    return tried.succeeded()
        ? new Choice(List.of("cpu", "cuda", "cuda-tf32"), "")
        : new Choice(List.of("cpu"), "CUDA does not work here: " + tried.problem());
  }

  /** The device for benchmarks: CUDA if it is available, otherwise the first one. */
  String measured() {
    return devices.contains("cuda") ? "cuda" : devices.getFirst();
  }
}
