package io.github.ggml4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.ggml4j.io.Adapters;
import io.github.ggml4j.io.ModelExport;
import io.github.ggml4j.io.Models;
import io.github.ggml4j.model.Gpt2Config;
import io.github.ggml4j.model.Gpt2Model;
import io.github.ggml4j.model.LoraAdapter;
import io.github.ggml4j.model.LoraConfig;
import io.github.ggml4j.quantization.Quantization;
import io.github.ggml4j.tensor.Device;
import java.io.ByteArrayInputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AdapterTest {
  @TempDir private Path folder;
  private String model = "";
  private String adapter = "";

  @BeforeEach
  void write() {
    model = TinyModel.write(folder);
    adapter = folder.resolve("adapter").toString();
    try (var loaded = Models.load(Path.of(model));
        var lora =
            LoraAdapter.of(
                LoraConfig.rank(1).withTargetModules("c_attn", "c_proj", "c_fc"),
                loaded,
                (name, shape) -> {
                  var floats = new float[(int) (shape[0] * shape[1])];
                  for (int i = 0; i < floats.length; i++) {
                    floats[i] = (float) Math.sin(i + name.length());
                  }
                  return Arena.ofAuto().allocateFrom(ValueLayout.JAVA_FLOAT, floats);
                })) {
      Adapters.save(lora, Path.of(adapter));
    }
  }

  private static String generated(String... options) {
    var args = new ArrayList<>(List.of("generate", "--greedy"));
    args.addAll(List.of(options));
    args.addAll(List.of("--max-new-tokens", "12", "--prompt", "abc", "--json"));
    var outcome = Cli.run(args.toArray(String[]::new));
    assertThat(outcome.err()).isEmpty();
    return outcome.out().replaceAll(".*\"ids\":(\\[[^]]*]).*\\s*", "$1");
  }

  @Test
  void adaptersAreUsedAndMerged() {
    var plain = generated("--model", model);
    var adapted = generated("--model", model, "--adapter", adapter);
    assertThat(adapted).startsWith("[").isNotEqualTo(plain);

    var merged = folder.resolve("merged.gguf").toString();
    var outcome =
        Cli.run("convert", "--model", model, "--merge-adapter", adapter, "--output", merged);

    assertThat(outcome.out()).contains("f32");
    assertThat(generated("--model", merged)).isEqualTo(adapted);
  }

  @Test
  void turnsUseTheAdapter() {
    assertThat(turn("--adapter", adapter)).isNotEqualTo(turn());
  }

  private String turn(String... options) {
    var in = System.in;
    System.setIn(new ByteArrayInputStream("abc\n".getBytes(StandardCharsets.UTF_8)));
    try {
      var args =
          new ArrayList<>(
              List.of(
                  "generate",
                  "--model",
                  model,
                  "--interactive",
                  "--greedy",
                  "--max-new-tokens",
                  "12"));
      args.addAll(List.of(options));
      var outcome = Cli.run(args.toArray(String[]::new));
      assertThat(outcome.exitCode()).isZero();
      return outcome.out();
    } finally {
      System.setIn(in);
    }
  }

  @Test
  void anAdapterIsNotAModel() {
    assertThat(Cli.run("generate", "--model", adapter, "--prompt", "a").err())
        .contains("is an adapter; expected a model. Load the model that it was made for");
    assertThat(Cli.run("generate", "--model", model, "--adapter", model, "--prompt", "a").err())
        .contains("has no adapter_config.json");
  }

  @Test
  void quantizedModelsAreNotQuantizedAgainUnasked() {
    var config = Gpt2Config.builder().nLayer(1).nHead(2).nEmbd(32).nPositions(16).build();
    var quantized = folder.resolve("q.gguf");
    var lora = folder.resolve("lora");
    try (var wide = Gpt2Model.random(config, Device.cpu(1), 7);
        var none = LoraAdapter.create(LoraConfig.rank(2), wide, 1)) {
      Models.save(wide, quantized, ModelExport.builder().quantization(Quantization.Q8_0).build());
      Adapters.save(none, lora);
    }
    var args =
        new ArrayList<>(
            List.of(
                "convert",
                "--model",
                quantized.toString(),
                "--merge-adapter",
                lora.toString(),
                "--type",
                "q4_0",
                "--output",
                folder.resolve("q4.gguf").toString()));

    var refused = Cli.run(args.toArray(String[]::new));
    assertThat(refused.exitCode()).isEqualTo(Main.WRONG_USAGE);
    assertThat(refused.err()).contains("add --requantize");

    args.add("--requantize");
    assertThat(Cli.run(args.toArray(String[]::new)).exitCode()).isZero();
  }
}
