package io.github.ggml4j.quantization;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.ggml4j.error.InvalidArgumentException;
import io.github.ggml4j.format.gguf.GgufFile;
import io.github.ggml4j.format.gguf.GgufTensor;
import io.github.ggml4j.format.gguf.GgufWriter;
import io.github.ggml4j.format.gguf.ImatrixFile;
import io.github.ggml4j.io.ModelExport;
import io.github.ggml4j.io.Models;
import io.github.ggml4j.model.Gpt2Config;
import io.github.ggml4j.model.Gpt2Model;
import io.github.ggml4j.model.WeightSpec;
import io.github.ggml4j.tensor.DType;
import io.github.ggml4j.tensor.Device;
import io.github.ggml4j.tensor.Quantizer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CancellationException;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Layouts and bits of quantized files against those of {@code llama-quantize}, which {@code
 * src/test/python/make_golden_quantization.py} took down.
 */
class QuantizationTest {
  /**
   * For these ggml fills larger tables, which takes it 3 to 8 s each in every process. IQ2_XXS and
   * the 3-bit types go the same way with smaller ones; -Dggml4j.everyType=true tests all, and so do
   * the round trips in interop.
   */
  private static final Set<Quantization> SLOW_TO_PREPARE =
      EnumSet.of(
          Quantization.IQ1_S,
          Quantization.IQ1_M,
          Quantization.IQ2_XS,
          Quantization.IQ2_S,
          Quantization.IQ2_M);

  private static final boolean EVERY_TYPE = Boolean.getBoolean("ggml4j.everyType");

  private static final int VOCABULARY = 96;
  private static final int POSITIONS = 16;

  @TempDir Path folder;

  private static List<String> golden(String name) {
    var resource = QuantizationTest.class.getResource("/golden/quantization/" + name);
    assertThat(resource).isNotNull();
    try {
      return Files.readAllLines(Path.of(resource.toURI()));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  private static Gpt2Config config(int layers, int width, int inner, boolean tied) {
    return Gpt2Config.builder()
        .vocabSize(VOCABULARY)
        .nPositions(POSITIONS)
        .nEmbd(width)
        .nInner(inner)
        .nLayer(layers)
        .nHead(4)
        .tieWordEmbeddings(tied)
        .build();
  }

  @Test
  void everyMatrixGetsTheTypeThatLlamaCppGivesIt() {
    var seen = new HashSet<String>();
    var weighted = new HashSet<String>();
    for (var line : golden("layouts.txt")) {
      var words = line.split(" ", 5);
      var sizes = Arrays.stream(words[0].split("x")).mapToInt(Integer::parseInt).toArray();
      var config = config(sizes[0], sizes[1], sizes[2], words[1].equals("tied"));
      var quantization = Quantization.of(words[3]);
      boolean importance = words[2].equals("importance");
      var key = words[0] + words[1] + words[3];
      if (importance) {
        weighted.add(key);
      }
      seen.add(key);
      assertThat(layout(config, quantization, importance)).as(line).isEqualTo(words[4]);
    }
    // Where the golden file has no line with importance, the layout is the same.
    for (var line : golden("layouts.txt")) {
      var words = line.split(" ", 5);
      var sizes = Arrays.stream(words[0].split("x")).mapToInt(Integer::parseInt).toArray();
      var config = config(sizes[0], sizes[1], sizes[2], words[1].equals("tied"));
      if (!weighted.contains(words[0] + words[1] + words[3])) {
        assertThat(layout(config, Quantization.of(words[3]), true)).as(line).isEqualTo(words[4]);
      }
    }
    assertThat(seen).hasSizeGreaterThan(8 * Quantization.values().length);
  }

  /** In the words of the golden file. */
  private static String layout(Gpt2Config config, Quantization quantization, boolean importance) {
    Map<String, DType> types;
    try {
      types = quantization.types(config, importance);
    } catch (IllegalArgumentException e) {
      return "refused";
    }
    var text = new StringBuilder().append(types.get("wte.weight"));
    if (!config.tieWordEmbeddings()) {
      text.append(",").append(types.get("lm_head.weight"));
    }
    var last = "";
    int count = 0;
    for (int i = 0; i <= config.nLayer(); i++) {
      var h = "h." + i + ".";
      var layer =
          i == config.nLayer()
              ? ""
              : String.join(
                  ",",
                  Stream.of("attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj")
                      .map(part -> String.valueOf(types.get(h + part + ".weight")))
                      .toList());
      if (count > 0 && !layer.equals(last)) {
        text.append(" ").append(count).append("*").append(last);
        count = 0;
      }
      last = layer;
      count++;
    }
    return text.toString();
  }

  @Test
  void everyBitIsThatOfLlamaCpp() {
    // Other compilers may fuse multiplications and additions; on x86-64 ggml's quantizers are built
    // for the oldest processors, whatever runs them.
    assumeTrue(System.getProperty("os.arch").equals("amd64"));
    var matrix = importance();
    try (var model = Models.load(formula(), Device.cpu(1))) {
      int refused = 0;
      for (var line : golden("bits.txt")) {
        var words = line.split(" ");
        if (SLOW_TO_PREPARE.contains(Quantization.of(words[1])) && !EVERY_TYPE) {
          continue;
        }
        var export = ModelExport.builder().quantization(Quantization.of(words[1]));
        export.pure(words[0].startsWith("pure")).threads(3);
        if (words[0].endsWith("importance")) {
          export.importanceMatrix(matrix);
        }
        if (words[0].startsWith("ffn_down=")) {
          export.tensorType(
              "ffn_down", DType.valueOf(words[0].substring(9).toUpperCase(Locale.ROOT)));
        }
        var file = folder.resolve("out.gguf");
        if (words[2].equals("refused")) {
          assertThatThrownBy(() -> Models.save(model, file, export.build()))
              .as(line)
              .isInstanceOf(IllegalArgumentException.class);
          refused++;
        } else {
          Models.save(model, file, export.build());
          assertThat(digest(file)).as(line).isEqualTo(words[2]);
        }
      }
      assertThat(refused).isPositive();
    }
  }

  private static String digest(Path path) {
    try (var file = GgufFile.open(path)) {
      var sha = MessageDigest.getInstance("SHA-256");
      for (var tensor : new TreeMap<>(file.tensors()).values()) {
        sha.update((tensor.name() + " " + tensor.dtype() + "\n").getBytes(StandardCharsets.UTF_8));
        sha.update(file.data(tensor.name()).toArray(ValueLayout.JAVA_BYTE));
      }
      return HexFormat.of().formatHex(sha.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  /** The model of the golden file. */
  private Path formula() {
    var config = config(1, 32, 256, false);
    var file = folder.resolve("formula.gguf");
    var writer = new GgufWriter();
    writer.putString("general.architecture", "gpt2");
    writer.putUint32("gpt2.block_count", config.nLayer());
    writer.putUint32("gpt2.context_length", config.nPositions());
    writer.putUint32("gpt2.embedding_length", config.nEmbd());
    writer.putUint32("gpt2.feed_forward_length", config.nInner());
    writer.putUint32("gpt2.attention.head_count", config.nHead());
    writer.putFloat32("gpt2.attention.layer_norm_epsilon", 1e-5f);
    var specs = WeightSpec.of(config);
    for (int k = 0; k < specs.size(); k++) {
      int tensor = k;
      var spec = specs.get(k);
      writer.add(
          spec.ggufName(),
          DType.F32,
          spec.shape(),
          () -> MemorySegment.ofArray(numbers(tensor, Math.toIntExact(spec.elements()))));
    }
    writer.write(file);
    return file;
  }

  private static float[] numbers(int tensor, int count) {
    var values = new float[count];
    for (int i = 0; i < count; i++) {
      long x = mix(((long) tensor << 32) + i);
      long total = 0;
      for (int k = 0; k < 4; k++) {
        total += (x >>> (16 * k)) & 0xFFFF;
      }
      values[i] = (float) ((total - 2 * 65535) / 65536.0 * 0.05);
    }
    return values;
  }

  /** The finalizer of splitmix64. */
  private static long mix(long seed) {
    long x = (seed ^ (seed >>> 30)) * 0xBF58476D1CE4E5B9L;
    x = (x ^ (x >>> 27)) * 0x94D049BB133111EBL;
    return x ^ (x >>> 31);
  }

  private ImportanceMatrix importance() {
    var entries = new TreeMap<String, ImatrixFile.Entry>();
    var specs = WeightSpec.of(config(1, 32, 256, false));
    for (int k = 0; k < specs.size(); k++) {
      var spec = specs.get(k);
      if (spec.linear()) {
        var sums = new float[(int) spec.shape()[1]];
        for (int i = 0; i < sums.length; i++) {
          sums[i] = (float) ((mix(((k + 1000L) << 32) + i) >>> 44) / 65536.0);
        }
        entries.put(spec.ggufName(), new ImatrixFile.Entry(sums, new long[] {7}));
      }
    }
    var file = folder.resolve("imatrix.gguf");
    new ImatrixFile(entries, List.of("formula"), 3, 512).write(file);
    return ImportanceMatrix.read(file);
  }

  @Test
  void typesThatNeedAnImportanceMatrixSaySo() {
    var config = config(1, 256, 256, true);
    for (var quantization : Quantization.values()) {
      var needs = new ArrayList<DType>();
      quantization
          .types(config, false)
          .values()
          .forEach(type -> {
            if (Quantizer.needsImportance(type)) {
              needs.add(type);
            }
          });
      if (!needs.isEmpty()) {
        assertThat(quantization.needsImportanceMatrix(config)).as(quantization.name()).isTrue();
      }
    }
    try (var model = Gpt2Model.random(config, Device.cpu(1), 1)) {
      var file = folder.resolve("x.gguf");
      assertThatThrownBy(() ->
              Models.save(
                  model, file, ModelExport.builder().quantization(Quantization.IQ2_XXS).build()))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("IQ2_XXS")
          .hasMessageContaining("importance matrix")
          .hasMessageContaining("q4_k_m");
      assertThatThrownBy(() -> save(model, Quantization.Q4_0, importance()))
          .hasMessageContaining("another model");
      assertThat(file).doesNotExist();
      var directory = folder.resolve("directory");
      assertThatThrownBy(() ->
              Models.save(
                  model, directory, ModelExport.builder().importanceMatrix(importance()).build()))
          .isInstanceOf(InvalidArgumentException.class)
          .hasMessageStartingWith(
              "importanceMatrix is set, expected none for a Hugging Face folder");
      assertThat(directory).doesNotExist();
    }
  }

  private void save(Gpt2Model model, Quantization quantization, @Nullable ImportanceMatrix matrix) {
    Models.save(
        model,
        folder.resolve("x.gguf"),
        ModelExport.builder().quantization(quantization).importanceMatrix(matrix).build());
  }

  @Test
  void whatIsQuantizedIsQuantizedAgainOnlyWhenAsked() {
    var first = folder.resolve("q8.gguf");
    var second = folder.resolve("q4.gguf");
    try (var model = Gpt2Model.random(config(1, 64, 256, true), Device.cpu(1), 1)) {
      Models.save(model, first, ModelExport.builder().quantization(Quantization.Q8_0).build());
    }
    try (var model = Models.load(first, Device.cpu(1))) {
      assertThatThrownBy(() ->
              Models.save(
                  model, second, ModelExport.builder().quantization(Quantization.Q4_0).build()))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("requantize");
      assertThat(second).doesNotExist();
      var export = ModelExport.builder().quantization(Quantization.Q4_0).requantize(true).build();
      Models.save(model, second, export);
      Models.save(
          model,
          folder.resolve("f32.gguf"),
          ModelExport.builder().quantization(Quantization.F32).build());
      Models.save(model, folder.resolve("same.gguf"), ModelExport.builder().build());
      assertThat(digest(folder.resolve("same.gguf"))).isEqualTo(digest(first));
      Models.save(
          model,
          folder.resolve("folder"),
          ModelExport.builder().quantization(Quantization.BF16).build());
      assertThat(folder.resolve("folder/model.safetensors")).exists();
      assertThatThrownBy(() ->
              Models.save(
                  model,
                  folder.resolve("other"),
                  ModelExport.builder().quantization(Quantization.Q8_0).build()))
          .hasMessageContaining(".gguf");
      assertThat(folder.resolve("other")).doesNotExist();
    }
  }

  @Test
  void progressComesToItsEndAndAnInterruptLeavesNothing() throws IOException {
    var file = folder.resolve("out.gguf");
    var config = config(2, 64, 256, true);
    try (var model = Gpt2Model.random(config, Device.cpu(1), 1)) {
      var seen = new ArrayList<ModelExport.Progress>();
      Models.save(
          model,
          file,
          ModelExport.builder().quantization(Quantization.Q4_0).progress(seen::add).build());
      assertThat(seen).hasSize(WeightSpec.of(config).size());
      assertThat(seen.getLast().written()).isEqualTo(seen.getLast().total());
      Files.delete(file);
      var export =
          ModelExport.builder()
              .quantization(Quantization.Q4_0)
              .threads(2)
              .progress(p -> {
                if (p.written() == 5) {
                  Thread.currentThread().interrupt();
                }
              })
              .build();
      assertThatThrownBy(() -> Models.save(model, file, export))
          .isInstanceOf(CancellationException.class);
      assertThat(Thread.interrupted()).isTrue();
      try (var left = Files.list(folder)) {
        assertThat(left).isEmpty();
      }
    }
  }

  @Test
  void namesAreThoseOfLlamaCpp() {
    assertThat(Quantization.of("q4_k_m")).isEqualTo(Quantization.Q4_K_M);
    assertThat(Quantization.of("Q5_K")).isEqualTo(Quantization.Q5_K_M);
    assertThatThrownBy(() -> Quantization.of("q9"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("q9")
        .hasMessageContaining("q8_0");
    var numbers = new TreeSet<Integer>();
    for (var quantization : Quantization.values()) {
      numbers.add(quantization.fileType());
    }
    assertThat(numbers).hasSameSizeAs(Quantization.values());
  }

  @Test
  void aFileTellsWhatItIs() {
    var file = folder.resolve("x.gguf");
    try (var model = Models.load(formula(), Device.cpu(1))) {
      save(model, Quantization.Q4_K_M, importance());
    }
    try (var gguf = GgufFile.open(file)) {
      assertThat(gguf.get("general.file_type").asInt(0, 100)).isEqualTo(15);
      assertThat(gguf.get("quantize.imatrix.dataset").asString()).isEqualTo("formula");
      assertThat(gguf.get("quantize.imatrix.entries_count").asInt(0, 100)).isEqualTo(4);
      assertThat(gguf.tensors().values().stream().map(GgufTensor::dtype)).contains(DType.F32);
    }
  }
}
