package io.github.ggml4j.model;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.ggml4j.bindings.ffi.Ggml;
import io.github.ggml4j.format.ModelFormatException;
import io.github.ggml4j.tensor.DType;
import io.github.ggml4j.tensor.Device;
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
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** GGUF files in every type of weights that ggml knows, those that need an importance matrix too. */
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

  static List<DType> types() {
    return Arrays.stream(DType.values())
        .filter(type -> type.isQuantized() && type != DType.Q8_1 && type != DType.Q8_K)
        .toList();
  }

  @ParameterizedTest
  @MethodSource("types")
  void everyTypeIsComputedWith(DType type, @TempDir Path folder) {
    var file = folder.resolve("model.gguf");
    write(file, type);
    var tokens = new Random(1).ints(40, 0, CONFIG.vocabSize()).toArray();
    try (var model = Gpt2Model.load(file, Device.cpu(1))) {
      var many = model.logits(tokens);
      var few = model.logits(Arrays.copyOf(tokens, 5));
      model.trainableWeights();
      var widened = model.logits(tokens);
      assertThat(error(many, widened)).isLessThan(1e-4);
      assertThat(error(few, widened)).isLessThan(0.05); // few rows round activations to 8 bits
    }
  }

  @Test
  void typesThatAreNoWeightsAreRefusedByName(@TempDir Path folder) {
    var file = folder.resolve("model.gguf");
    for (var type : List.of(DType.Q8_1, DType.Q8_K, DType.I32)) {
      assertThatThrownBy(() -> {
            write(file, type);
            ModelFiles.open(file).close();
          })
          .hasMessageContaining(type.name())
          .isInstanceOfAny(ModelFormatException.class, IllegalArgumentException.class);
    }
  }

  private static void write(Path file, DType type) {
    try (var weights = new Quantized(type)) {
      ModelWriter.writeGguf(file, CONFIG, weights, null, "quantized");
    }
  }

  private static double error(float[][] actual, float[][] expected) {
    double difference = 0;
    double norm = 0;
    for (int t = 0; t < actual.length; t++) {
      for (int v = 0; v < actual[t].length; v++) {
        difference += Math.pow((double) actual[t][v] - expected[t][v], 2);
        norm += Math.pow(expected[t][v], 2);
      }
    }
    return Math.sqrt(difference / norm);
  }

  /** Normal weights, matrices quantized by ggml with every column as important as another. */
  private static final class Quantized implements WeightSource {
    private final Arena arena = Arena.ofShared();
    private final Map<String, WeightInfo> infos = new LinkedHashMap<>();
    private final Map<String, MemorySegment> data = new LinkedHashMap<>();

    Quantized(DType matrices) {
      Device.cpu(1).close(); // loads the natives
      var random = new Random(5);
      for (WeightSpec spec : WeightSpec.of(CONFIG)) {
        long n = spec.elements();
        var floats = arena.allocate(4 * n, 64);
        boolean norm = spec.name().contains("ln_") && spec.name().endsWith("weight");
        for (long i = 0; i < n; i++) {
          double value = random.nextGaussian() * 0.05 + (norm ? 1 : 0);
          floats.setAtIndex(JAVA_FLOAT, i, (float) value);
        }
        var dtype = spec.isMatrix() ? matrices : DType.F32;
        infos.put(spec.name(), new WeightInfo(spec.name(), dtype, spec.shape(), false));
        data.put(spec.name(), spec.isMatrix() ? quantize(floats, matrices, spec.shape()) : floats);
      }
    }

    private MemorySegment quantize(MemorySegment floats, DType type, long[] shape) {
      var target = arena.allocate(type.byteSize(shape[0] * shape[1]), 64);
      if (types().contains(type)) {
        var importance = arena.allocate(4 * shape[1], 64);
        for (long i = 0; i < shape[1]; i++) {
          importance.setAtIndex(JAVA_FLOAT, i, 1);
        }
        Ggml.ggml_quantize_chunk(
            type.ggmlId(), floats, target, 0, shape[0], shape[1], importance);
      }
      return target;
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
