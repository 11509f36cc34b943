package io.github.ggml4j.io;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.ggml4j.Golden;
import io.github.ggml4j.format.ModelFormatException;
import io.github.ggml4j.format.gguf.GgufFile;
import io.github.ggml4j.inference.InferenceSession;
import io.github.ggml4j.model.Gpt2Config;
import io.github.ggml4j.model.WeightInfo;
import io.github.ggml4j.model.WeightSource;
import io.github.ggml4j.model.WeightSpec;
import io.github.ggml4j.tensor.DType;
import io.github.ggml4j.tensor.Device;
import io.github.ggml4j.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * GGUF files in every type of weights that ggml knows, against the numbers that the gguf package
 * makes of the same bytes; written by {@code make_golden_types.py}.
 */
class GgufTypesTest {
  private static final Gpt2Config CONFIG =
      Gpt2Config.builder()
          .vocabSize(60)
          .nPositions(40)
          .nEmbd(256)
          .nInner(256)
          .nLayer(1)
          .nHead(4)
          .build();

  private static final float TOLERANCE = 1e-6f;

  static List<DType> types() {
    return Arrays.stream(DType.values())
        .filter(type -> type.isQuantized() && type != DType.Q8_1 && type != DType.Q8_K)
        .toList();
  }

  @ParameterizedTest
  @MethodSource("types")
  void everyTypeIsReadAndComputedWith(DType type, @TempDir Path folder) {
    var file = folder.resolve("model.gguf");
    write(file, type);
    var tokens = new Random(1).ints(40, 0, CONFIG.vocabSize()).toArray();
    try (var model = Models.load(file, Device.cpu(1))) {
      var many = InferenceSession.logits(model, tokens);
      var few = InferenceSession.logits(model, Arrays.copyOf(tokens, 5));
      model.trainableWeights();
      assertValues(model.tensors().get("h.0.attn.c_attn.weight"), golden(type, "values"));
      var widened = InferenceSession.logits(model, tokens);
      assertThat(WeightTypesTest.error(many, widened)).isLessThan(1e-4);
      assertThat(WeightTypesTest.error(few, widened))
          .isLessThan(0.05); // few rows round activations to 8 bits
    }
  }

  private static void assertValues(@Nullable Tensor weight, MemorySegment expected) {
    try (var arena = Arena.ofConfined()) {
      var values = arena.allocate(expected.byteSize(), 64);
      Objects.requireNonNull(weight).get(values, 0, values.byteSize());
      for (long i = 0; i < expected.byteSize() / 4; i++) {
        assertThat(values.getAtIndex(JAVA_FLOAT, i))
            .isCloseTo(expected.get(JAVA_FLOAT_UNALIGNED, 4 * i), within(TOLERANCE));
      }
    }
  }

  /** Two rows of 256 weights: their bytes, or their numbers. */
  private static MemorySegment golden(DType type, String what) {
    try (var file = GgufFile.open(Golden.path("formats/rows.gguf"))) {
      var data = file.data(type.name() + "." + what);
      return Arena.ofAuto().allocate(data.byteSize(), 64).copyFrom(data);
    }
  }

  @Test
  void typesThatAreNoWeightsAreRefusedByName(@TempDir Path folder) {
    var file = folder.resolve("model.gguf");
    for (var type : List.of(DType.Q8_1, DType.Q8_K, DType.I32)) {
      assertThatThrownBy(
              () -> {
                write(file, type);
                ModelFiles.open(file).close();
              })
          .hasMessageContaining(type.name())
          .isInstanceOfAny(ModelFormatException.class, IllegalArgumentException.class);
    }
  }

  private static void write(Path file, DType type) {
    try (var weights = new Rows(type)) {
      ModelWriter.writeGguf(file, CONFIG, weights, null, "quantized");
    }
  }

  /** Normal weights, and matrices of the golden rows again and again. */
  private static final class Rows implements WeightSource {
    private final Arena arena = Arena.ofShared();
    private final Map<String, WeightInfo> infos = new LinkedHashMap<>();
    private final Map<String, MemorySegment> data = new LinkedHashMap<>();

    Rows(DType matrices) {
      var random = new Random(5);
      for (WeightSpec spec : WeightSpec.of(CONFIG)) {
        var dtype = spec.isMatrix() ? matrices : DType.F32;
        var bytes = arena.allocate(dtype.byteSize(spec.elements()), 64);
        if (types().contains(dtype)) {
          var rows = golden(matrices, "quantized");
          for (long at = 0; at < bytes.byteSize(); at += rows.byteSize()) {
            MemorySegment.copy(
                rows, 0, bytes, at, Math.min(rows.byteSize(), bytes.byteSize() - at));
          }
        } else if (dtype == DType.F32) {
          boolean norm = spec.name().contains("ln_") && spec.name().endsWith("weight");
          for (long i = 0; i < spec.elements(); i++) {
            double value = random.nextGaussian() * 0.05 + (norm ? 1 : 0);
            bytes.setAtIndex(JAVA_FLOAT, i, (float) value);
          }
        }
        infos.put(spec.name(), new WeightInfo(spec.name(), dtype, spec.shape(), false));
        data.put(spec.name(), bytes);
      }
    }

    @Override
    public Set<String> names() {
      return infos.keySet();
    }

    @Override
    public WeightInfo info(String name) {
      return Objects.requireNonNull(infos.get(name));
    }

    @Override
    public MemorySegment data(String name) {
      return Objects.requireNonNull(data.get(name));
    }

    @Override
    public void close() {
      arena.close();
    }
  }
}
