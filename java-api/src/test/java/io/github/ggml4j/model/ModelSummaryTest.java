package io.github.ggml4j.model;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.ggml4j.tensor.Device;
import org.junit.jupiter.api.Test;

/**
 * Against {@code print(GPT2LMHeadModel(config))} of transformers, and the counts of its modules.
 */
class ModelSummaryTest {
  @Test
  void printsTheTreeThatPyTorchPrints() {
    var config =
        Gpt2Config.builder()
            .vocabSize(211)
            .nPositions(77)
            .nEmbd(48)
            .nLayer(1)
            .nHead(3)
            .nInner(40)
            .activationFunction("relu")
            .tieWordEmbeddings(false)
            .layerNormEpsilon(1e-6)
            .attnPdrop(0)
            .build();
    try (var model = Gpt2Model.random(config, Device.cpu(1), 1)) {
      assertThat(model.summary().lines().map(ModelSummaryTest::tree))
          .containsExactly(
              "GPT2LMHeadModel(",
              "  (transformer): GPT2Model(",
              "    (wte): Embedding(211, 48)",
              "    (wpe): Embedding(77, 48)",
              "    (drop): Dropout(p=0.1, inplace=False)",
              "    (h): ModuleList(",
              "      (0): GPT2Block(",
              "        (ln_1): LayerNorm((48,), eps=1e-06, elementwise_affine=True)",
              "        (attn): GPT2Attention(",
              "          (c_attn): Conv1D(nf=144, nx=48)",
              "          (c_proj): Conv1D(nf=48, nx=48)",
              "          (attn_dropout): Dropout(p=0.0, inplace=False)",
              "          (resid_dropout): Dropout(p=0.1, inplace=False)",
              "        )",
              "        (ln_2): LayerNorm((48,), eps=1e-06, elementwise_affine=True)",
              "        (mlp): GPT2MLP(",
              "          (c_fc): Conv1D(nf=40, nx=48)",
              "          (c_proj): Conv1D(nf=48, nx=40)",
              "          (act): ReLU()",
              "          (dropout): Dropout(p=0.1, inplace=False)",
              "        )",
              "      )",
              "    )",
              "    (ln_f): LayerNorm((48,), eps=1e-06, elementwise_affine=True)",
              "  )",
              "  (lm_head): Linear(in_features=48, out_features=211, bias=False)",
              ")",
              "Parameters: 37,576",
              "Memory:     0.1 MiB of weights on cpu (1 thread)");
      assertThat(model.summary())
          .containsPattern("GPT2Block\\( +13,528\n")
          .contains("2,352  (48, 48) F32 + (48) F32")
          .contains("7,056  (144, 48) F32 + (144) F32")
          .contains("10,128  (211, 48) F32")
          .contains("96  (48) F32 + (48) F32");
    }
  }

  private static String tree(String line) {
    int counts = line.indexOf("  ", line.indexOf('(') + 1);
    return counts < 0 || line.indexOf('(') < 0 || line.startsWith("Memory")
        ? line
        : line.substring(0, counts);
  }
}
