package io.github.ggml4j.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.ggml4j.format.Goldens;
import io.github.ggml4j.format.ModelFormatException;
import io.github.ggml4j.format.gguf.GgufFile;
import io.github.ggml4j.format.gguf.GgufVocabulary;
import io.github.ggml4j.format.gguf.GgufWriter;
import io.github.ggml4j.format.internal.Json;
import io.github.ggml4j.model.Gpt2Config;
import io.github.ggml4j.model.Gpt2Model;
import io.github.ggml4j.model.WeightInfo;
import io.github.ggml4j.model.WeightSource;
import io.github.ggml4j.model.WeightSpec;
import io.github.ggml4j.tensor.DType;
import io.github.ggml4j.tensor.Device;
import io.github.ggml4j.tokenizer.Tokenizer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ModelFilesTest {
  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource({
    "f32, 1e-12",
    "sharded, 1e-12",
    "old, 1e-12",
    "untied, 1e-12",
    "f16, 2e-2",
    "bf16, 2e-1",
    "f32.gguf, 1e-12",
    "f16.gguf, 2e-2"
  })
  void everyFormHoldsTheSameWeights(String name, double tolerance) {
    Map<String, @Nullable Object> expected =
        Json.parseObject(Goldens.text("expected.json"), "expected");
    try (ModelFiles files = ModelFiles.open(Goldens.path(name))) {
      WeightSource weights = files.weights();
      assertThat(files.config().nInner()).isEqualTo(20);
      assertThat(files.config().nHead()).isEqualTo(3);
      assertThat(files.config().eosTokenId()).isEqualTo(22);
      assertThat(files.config().layerNormEpsilon()).isEqualTo(1e-5);
      assertThat(files.config().tieWordEmbeddings()).isEqualTo(!name.equals("untied"));
      assertThat(files.isGguf()).isEqualTo(name.endsWith(".gguf"));
      assertThat(files.describe()).contains("2 layers");
      int more = name.equals("untied") ? 1 : 0;
      assertThat(weights.names()).hasSize(expected.size() + more).containsAll(expected.keySet());
      if (name.equals("untied")) {
        assertThat(weights.info("lm_head.weight").shape()).containsExactly(23, 12);
        return;
      }
      expected.forEach((weight, sum) ->
          assertThat(sum(weights, weight))
              .isCloseTo(((Number) Objects.requireNonNull(sum)).doubleValue(), within(tolerance)));
      WeightInfo qkv = weights.info("h.1.attn.c_attn.weight");
      assertThat(qkv.transposed()).isEqualTo(!files.isGguf());
      assertThat(qkv.shape())
          .containsExactly(files.isGguf() ? new long[] {36, 12} : new long[] {12, 36});
      assertThat(qkv.byteSize()).isEqualTo(weights.data(qkv.name()).byteSize());
      assertThat(weights.info("h.0.attn.c_attn.bias").transposed()).isFalse();
    }
  }

  @Test
  void aFolderWrittenFromAFolderHasTheBytesOfTransformers() {
    Path copy = folder.resolve("a/b");
    try (ModelFiles files = ModelFiles.open(Goldens.path("f32"))) {
      ModelWriter.writeFolder(
          copy,
          files.config(),
          files.weights(),
          Map.of("vocab.json", "{}".getBytes(StandardCharsets.UTF_8)));
    }
    assertThat(copy.resolve("model.safetensors"))
        .hasBinaryContent(Goldens.bytes("f32/model.safetensors"));
    assertThat(copy.resolve("config.json")).hasBinaryContent(Goldens.bytes("f32/config.json"));
    assertThat(copy.resolve("vocab.json")).hasContent("{}");
    assertThat(copy.resolve("generation_config.json"))
        .hasContent(
            """
            {
              "_from_model_config": true,
              "bos_token_id": 22,
              "eos_token_id": 22
            }
            """);
    assertThat(copy).isDirectoryNotContaining("glob:**.tmp");
  }

  @ParameterizedTest
  @ValueSource(strings = {"f32", "f16", "bf16", "untied"})
  void folderToGgufToFolderKeepsEveryBit(String name) {
    Path gguf = folder.resolve("model.gguf");
    Path copy = folder.resolve("copy");
    GgufVocabulary vocabulary;
    try (GgufFile file = GgufFile.open(Goldens.path("f32.gguf"))) {
      vocabulary = GgufVocabulary.of(file);
    }
    try (ModelFiles files = ModelFiles.open(Goldens.path(name))) {
      ModelWriter.writeGguf(gguf, files.config(), files.weights(), vocabulary, "tiny");
      try (ModelFiles written = ModelFiles.open(gguf)) {
        assertThat(written.config().toBuilder().build().toJson())
            .isEqualTo(
                Gpt2Config.fromJson(
                        files
                            .config()
                            .toJson()
                            .replaceAll("  \"(dtype|transformers_version)\": .*\n", ""))
                    .toJson());
        ModelWriter.writeFolder(copy, files.config(), written.weights(), Map.of());
      }
      try (ModelFiles again = ModelFiles.open(copy)) {
        for (String weight : files.weights().names()) {
          boolean vector = files.weights().info(weight).shape().length == 1;
          if (vector && !name.equals("f32") && !name.equals("untied")) {
            assertThat(again.weights().info(weight).dtype()).isEqualTo(DType.F32);
            assertThat(sum(again.weights(), weight)).isEqualTo(sum(files.weights(), weight));
          } else {
            assertThat(again.weights().data(weight).mismatch(files.weights().data(weight)))
                .isEqualTo(-1);
          }
        }
      }
    }
    try (GgufFile file = GgufFile.open(gguf)) {
      assertThat(GgufVocabulary.of(file)).isEqualTo(vocabulary);
      int fileType =
          switch (name) {
            case "f16" -> 1;
            case "bf16" -> 32;
            default -> 0;
          };
      assertThat(file.get("general.file_type").asLong()).isEqualTo(fileType);
    }
  }

  @Test
  void tokenizersAreHandedOver() throws IOException {
    copyFolder("f32", folder);
    Files.writeString(folder.resolve("merges.txt"), "a b");
    try (ModelFiles files = ModelFiles.open(folder)) {
      assertThat(files.tokenizerFiles()).containsOnlyKeys("merges.txt");
      assertThat(files.vocabulary()).isEmpty();
    }
    try (ModelFiles files = ModelFiles.open(Goldens.path("f32.gguf"))) {
      assertThat(files.tokenizerFiles()).isEmpty();
      assertThat(files.vocabulary().orElseThrow().merges()).containsExactly("a b", "\u0120 a");
      assertThat(files.vocabulary()).contains(GgufVocabulary.read(Goldens.path("f32.gguf")));
    }
  }

  @Test
  void theFormOfTransformersWinsOverAStaleIndex() throws IOException {
    copyFolder("sharded", folder);
    try (ModelFiles files = ModelFiles.open(Goldens.path("f32"))) {
      ModelWriter.writeFolder(folder, files.config(), files.weights(), Map.of());
    }
    assertThat(folder.resolve("model.safetensors.index.json")).doesNotExist();
    ModelFiles.open(folder).close();
  }

  @Test
  void aModelCanReplaceItself() throws IOException {
    copyFolder("f32", folder);
    try (ModelFiles files = ModelFiles.open(folder)) {
      ModelWriter.writeFolder(folder, files.config(), files.weights(), Map.of());
    }
    assertThat(folder.resolve("model.safetensors"))
        .hasBinaryContent(Goldens.bytes("f32/model.safetensors"));
  }

  @Test
  void whatIsMissingIsNamed() throws IOException {
    assertFails(folder.resolve("none"), "no such file or folder");
    assertFails(folder, "has no config.json");
    Files.write(folder.resolve("config.json"), Goldens.bytes("f32/config.json"));
    assertFails(folder, "has no weights");
    Files.createDirectory(folder.resolve("onnx"));
    Files.createFile(folder.resolve("tf_model.h5"));
    assertFails(folder, "has no weights but onnx, tf_model.h5");
    Files.createFile(folder.resolve("model.Q4_K_M.gguf"));
    assertFails(folder, "Give the path of a .gguf file itself.");
    Files.createFile(folder.resolve("pytorch_model.bin"));
    assertFails(folder, "is no file of torch.save");
    Files.delete(folder.resolve("pytorch_model.bin"));
    assertFails(Goldens.path("f32/model.safetensors"), "Give the folder");
    assertFails(Goldens.path("f32/config.json"), "Give the folder");
    Files.write(folder.resolve("model.safetensors"), Goldens.bytes("types.safetensors"));
    assertFails(folder, "lacks 28 of 28 weights: wte.weight");
    Files.writeString(folder.resolve("x.gguf"), "not a model");
    assertFails(folder.resolve("x.gguf"), "GGUF");
  }

  @Test
  void shapesThatDoNotFitAreNamed() throws IOException {
    copyFolder("f32", folder);
    Path config = folder.resolve("config.json");
    String text = Files.readString(config);
    Files.writeString(config, text.replace("\"n_inner\": 20", "\"n_inner\": 24"));
    assertFails(folder, "h.0.mlp.c_fc.weight has shape [12, 20]; expected [12, 24]");
    Files.writeString(config, text.replace("\"n_layer\": 2", "\"n_layer\": 4000"));
    assertFails(folder, "lacks 47976 of 48004 weights: h.2.ln_1.weight");
    Files.writeString(config, text.replace("embeddings\": true", "embeddings\": false"));
    Files.write(folder.resolve("model.safetensors"), Goldens.bytes("old/model.safetensors"));
    assertFails(folder, "lm_head.weight");
  }

  @Test
  void brokenIndexesAreNamed() throws IOException {
    copyFolder("sharded", folder);
    Path index = folder.resolve("model.safetensors.index.json");
    String text = Files.readString(index);
    for (String evil :
        new String[] {
          "../model-00001-of-00005.safetensors", "/etc/passwd", "a/b.safetensors", "x.bin", ""
        }) {
      Files.writeString(index, text.replace("model-00001-of-00005.safetensors", evil));
      assertFails(folder, "the name of a .safetensors file in the same folder");
    }
    Files.writeString(index, text.replace("model-00001-of", "model-00009-of"));
    assertFails(folder, "which is missing");
    Files.writeString(index, text.replace("transformer.wpe.weight", "transformer.wpe.other"));
    assertFails(folder, "wpe");
    Files.writeString(index, "{\"weight_map\": 5}");
    assertFails(folder, "has no weight_map");
    Files.writeString(index, "{\"weight_map\": {\"a\": 5}}");
    assertFails(folder, "'5'");
  }

  @Test
  void ggufFilesOfOtherModelsAreRefused() {
    assertFails(Goldens.path("types.gguf"), "'test'");
    Path path = folder.resolve("vocab.gguf");
    new GgufWriter().putString("general.architecture", "gpt2").write(path);
    assertFails(path, "vocabulary-only");
  }

  @Test
  void whatLlamaCppCannotComputeIsNotWrittenAsGguf() {
    Path file = folder.resolve("m.gguf");
    try (ModelFiles files = ModelFiles.open(Goldens.path("f32"))) {
      Gpt2Config.Builder base = files.config().toBuilder();
      assertNotWritten(file, base.activationFunction("relu").build(), files, "relu");
      assertNotWritten(file, base.activationFunction("mish").build(), files, "mish");
      base.activationFunction("gelu_new");
      assertNotWritten(file, base.scaleAttnByInverseLayerIdx(true).build(), files, "inverse");
      base.scaleAttnByInverseLayerIdx(false);
      assertNotWritten(file, base.nPositions(10).build(), files, "expected shape [10, 12]");
      assertNotWritten(file, base.nPositions(9).nLayer(3).build(), files, "h.2.ln_1.weight");
    }
    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void aFailingSourceLeavesNothingBehind() {
    Path target = folder.resolve("model");
    try (ModelFiles files = ModelFiles.open(Goldens.path("f32"))) {
      WeightSource failing = new Failing(files.weights());
      assertThatThrownBy(() -> ModelWriter.writeFolder(target, files.config(), failing, Map.of()))
          .hasMessage("device lost");
      assertThat(folder).isEmptyDirectory();
      assertThatThrownBy(() ->
              ModelWriter.writeGguf(folder.resolve("m.gguf"), files.config(), failing, null, "m"))
          .hasMessage("device lost");
      assertThatThrownBy(() ->
              ModelWriter.writeFolder(
                  target, files.config(), files.weights(), Map.of("../evil", new byte[1])))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("../evil");
    }
    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void anUnwritableFolderIsNamed() throws IOException {
    Path file = Files.createFile(folder.resolve("file"));
    try (ModelFiles files = ModelFiles.open(Goldens.path("f32"))) {
      assertThatThrownBy(() ->
              ModelWriter.writeFolder(
                  file.resolve("model"), files.config(), files.weights(), Map.of()))
          .isInstanceOf(UncheckedIOException.class)
          .hasMessageContaining("cannot be written");
    }
    assertThat(file).isEmptyFile();
  }

  @Test
  void quantizedWeightsAreReadAndNotTurned() {
    Gpt2Config config =
        Gpt2Config.builder().vocabSize(64).nPositions(8).nEmbd(32).nHead(4).nLayer(1).build();
    Path path = folder.resolve("q.gguf");
    try (Synthetic weights = new Synthetic(config, DType.Q4_0)) {
      ModelWriter.writeGguf(path, config, weights, null, "quantized");
      try (ModelFiles files = ModelFiles.open(path)) {
        assertThat(files.vocabulary()).isEmpty();
        assertThat(files.weights().info("h.0.mlp.c_fc.weight").dtype()).isEqualTo(DType.Q4_0);
        assertThat(
                files
                    .weights()
                    .data("h.0.mlp.c_fc.weight")
                    .mismatch(weights.data("h.0.mlp.c_fc.weight")))
            .isEqualTo(-1);
        assertThatThrownBy(() ->
                ModelWriter.writeFolder(folder.resolve("hf"), config, files.weights(), Map.of()))
            .hasMessageContaining("Q4_0")
            .hasMessageContaining("quantized");
      }
      try (GgufFile file = GgufFile.open(path)) {
        assertThat(file.get("general.file_type").asLong()).isEqualTo(2);
        assertThat(file.get("general.quantization_version").asLong()).isEqualTo(2);
        assertThat(file.get("tokenizer.ggml.model").asString()).isEqualTo("none");
      }
    }
  }

  @Test
  void filesThatAreNotQuantizedHaveAQuantizationVersionToo() {
    Gpt2Config config =
        Gpt2Config.builder().vocabSize(64).nPositions(8).nEmbd(32).nHead(4).nLayer(1).build();
    Path path = folder.resolve("f16.gguf");
    try (Synthetic weights = new Synthetic(config, DType.F16)) {
      ModelWriter.writeGguf(path, config, weights, null, "half");
    }
    try (GgufFile file = GgufFile.open(path)) {
      assertThat(file.get("general.file_type").asLong()).isEqualTo(1);
      assertThat(file.get("general.quantization_version").asLong()).isEqualTo(2);
    }
  }

  private static void assertFails(Path path, String expected) {
    assertThatThrownBy(() -> ModelFiles.open(path))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining(expected);
  }

  private static void assertNotWritten(
      Path file, Gpt2Config config, ModelFiles files, String expected) {
    assertThatThrownBy(() -> ModelWriter.writeGguf(file, config, files.weights(), null, "m"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(expected);
  }

  private static void copyFolder(String name, Path target) throws IOException {
    try (var files = Files.list(Goldens.path(name))) {
      for (Path file : files.toList()) {
        Files.copy(file, target.resolve(file.getFileName()));
      }
    }
  }

  private static double sum(WeightSource weights, String name) {
    WeightInfo info = weights.info(name);
    MemorySegment data = weights.data(name);
    double sum = 0;
    for (long i = 0; i < info.elements(); i++) {
      sum +=
          switch (info.dtype()) {
            case F32 -> data.get(ValueLayout.JAVA_FLOAT_UNALIGNED, 4 * i);
            case F16 -> Float.float16ToFloat(data.get(ValueLayout.JAVA_SHORT_UNALIGNED, 2 * i));
            case BF16 ->
                Float.intBitsToFloat(data.get(ValueLayout.JAVA_SHORT_UNALIGNED, 2 * i) << 16);
            default -> throw new IllegalArgumentException(info.toString());
          };
    }
    return sum;
  }

  /** Weights whose data cannot be had half-way through. */
  private record Failing(WeightSource weights) implements WeightSource {
    @Override
    public Set<String> names() {
      return weights.names();
    }

    @Override
    public WeightInfo info(String name) {
      return weights.info(name);
    }

    @Override
    public MemorySegment data(String name) {
      if (name.equals("h.1.ln_1.bias")) {
        throw new IllegalStateException("device lost");
      }
      return weights.data(name);
    }

    @Override
    public void close() {}
  }

  /** Matrices of one type with arbitrary bytes, vectors of zeros in F32. */
  private static final class Synthetic implements WeightSource {
    private final Arena arena = Arena.ofShared();
    private final Map<String, WeightInfo> infos = new LinkedHashMap<>();

    Synthetic(Gpt2Config config, DType matrices) {
      for (WeightSpec spec : WeightSpec.of(config)) {
        DType dtype = spec.shape().length == 1 ? DType.F32 : matrices;
        infos.put(spec.name(), new WeightInfo(spec.name(), dtype, spec.shape(), false));
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
      MemorySegment data = arena.allocate(info(name).byteSize(), 32);
      for (long i = 0; i < data.byteSize(); i++) {
        data.set(ValueLayout.JAVA_BYTE, i, (byte) (i * 31 + name.hashCode()));
      }
      return data;
    }

    @Override
    public void close() {
      arena.close();
    }
  }

  @Test
  void generationConfigGivesTheEndsOfTextAndIsKept() throws IOException {
    Path folder = this.folder.resolve("model");
    try (ModelFiles files = ModelFiles.open(Goldens.path("f32"))) {
      assertThat(files.eosTokenIds()).containsExactly(22);
      ModelWriter.writeFolder(folder, files.config(), files.weights(), Map.of());
    }
    Path file = folder.resolve("generation_config.json");
    Files.writeString(file, "{\"eos_token_id\": [22, 7], \"temperature\": 0.7}");
    Path saved = this.folder.resolve("saved");
    try (Gpt2Model model = Models.load(folder, Device.cpu(1))) {
      assertThat(model.eosTokenIds()).containsExactly(22, 7);
      Models.save(model, saved, ModelExport.builder().build());
    }
    assertThat(saved.resolve("generation_config.json")).content().contains("\"temperature\": 0.7");
    try (ModelFiles files = ModelFiles.open(saved)) {
      assertThat(files.eosTokenIds()).containsExactly(22, 7);
    }
    Files.writeString(file, "{\"eos_token_id\": \"x\"}");
    assertThatThrownBy(() -> ModelFiles.open(folder))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("eos_token_id");
  }

  @Test
  void savedFoldersLimitTheTokenizerToTheLengthOfTheModel() throws IOException {
    Path saved = folder.resolve("saved");
    Gpt2Config config =
        Gpt2Config.builder().vocabSize(50257).nPositions(16).nEmbd(8).nLayer(1).nHead(2).build();
    try (Gpt2Model model = Gpt2Model.random(config, Device.cpu(1), 1)) {
      Models.save(model, saved, ModelExport.builder().tokenizer(Tokenizer.gpt2()).build());
    }

    assertThat(Json.readObject(saved.resolve("tokenizer_config.json")))
        .containsEntry("model_max_length", 16L);
  }
}
