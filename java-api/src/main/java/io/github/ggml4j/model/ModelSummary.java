package io.github.ggml4j.model;

import io.github.ggml4j.format.ParameterNames;
import io.github.ggml4j.format.internal.PythonJson;
import io.github.ggml4j.tensor.Device;
import io.github.ggml4j.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The tree of modules in the manner of PyTorch's {@code print(model)}, with shapes and counts. */
final class ModelSummary {
  private static final int COUNT_COLUMN = 76;

  private final Gpt2Config config;
  private final Map<String, Tensor> tensors;
  private final List<String> lines = new ArrayList<>();

  private ModelSummary(Gpt2Config config, Map<String, Tensor> tensors) {
    this.config = config;
    this.tensors = tensors;
  }

  static String of(Gpt2Config config, Map<String, Tensor> tensors, long bytes, Device device) {
    return new ModelSummary(config, tensors).print(bytes, device);
  }

  private String print(long bytes, Device device) {
    int c = config.nEmbd();
    lines.add("GPT2LMHeadModel(");
    lines.add("  (transformer): GPT2Model(");
    leaf(4, "wte", "Embedding(" + config.vocabSize() + ", " + c + ")", ParameterNames.WTE);
    leaf(4, "wpe", "Embedding(" + config.nPositions() + ", " + c + ")", ParameterNames.WPE);
    lines.add("    (drop): " + dropout(config.embdPdrop()));
    lines.add("    (h): ModuleList(");
    for (int i = 0; i < config.nLayer(); i++) {
      block(i);
    }
    lines.add("    )");
    module(4, "ln_f", norm(), ParameterNames.LN_F);
    lines.add("  )");
    if (config.tieWordEmbeddings()) {
      counted(
          "  (lm_head): Linear(in_features="
              + c
              + ", out_features="
              + config.vocabSize()
              + ", bias=False)",
          "tied to wte");
    } else {
      leaf(
          2,
          "lm_head",
          "Linear(in_features=" + c + ", out_features=" + config.vocabSize() + ", bias=False)",
          ParameterNames.LM_HEAD);
    }
    lines.add(")");
    long total = tensors.values().stream().mapToLong(Tensor::elements).sum();
    lines.add("Parameters: " + number(total));
    lines.add("Memory:     " + memory(bytes) + " of weights on " + device);
    return String.join("\n", lines);
  }

  private void block(int i) {
    int c = config.nEmbd();
    int inner = config.nInner();
    long count = total(ParameterNames.block(i));
    counted("      (" + i + "): GPT2Block(", number(count));
    module(8, "ln_1", norm(), ParameterNames.inBlock(i, ParameterNames.LN_1));
    lines.add("        (attn): GPT2Attention(");
    module(10, "c_attn", conv(3 * c, c), ParameterNames.inBlock(i, ParameterNames.C_ATTN));
    module(10, "c_proj", conv(c, c), ParameterNames.inBlock(i, ParameterNames.ATTN_C_PROJ));
    lines.add("          (attn_dropout): " + dropout(config.attnPdrop()));
    lines.add("          (resid_dropout): " + dropout(config.residPdrop()));
    lines.add("        )");
    module(8, "ln_2", norm(), ParameterNames.inBlock(i, ParameterNames.LN_2));
    lines.add("        (mlp): GPT2MLP(");
    module(10, "c_fc", conv(inner, c), ParameterNames.inBlock(i, ParameterNames.C_FC));
    module(10, "c_proj", conv(c, inner), ParameterNames.inBlock(i, ParameterNames.MLP_C_PROJ));
    lines.add("          (act): " + activation() + "()");
    lines.add("          (dropout): " + dropout(config.residPdrop()));
    lines.add("        )");
    lines.add("      )");
  }

  private String norm() {
    return "LayerNorm(("
        + config.nEmbd()
        + ",), eps="
        + PythonJson.number(config.layerNormEpsilon())
        + ", elementwise_affine=True)";
  }

  private static String dropout(double probability) {
    return "Dropout(p=" + PythonJson.number(probability) + ", inplace=False)";
  }

  /** The class that transformers has for it. */
  private String activation() {
    return switch (config.activationFunction()) {
      case "gelu_new" -> "NewGELUActivation";
      case "gelu_pytorch_tanh", "gelu_python_tanh" -> "GELUTanh";
      case "gelu_fast" -> "FastGELUActivation";
      case "gelu_accurate" -> "AccurateGELUActivation";
      case "gelu", "gelu_python" -> "GELUActivation";
      case "gelu_10" -> "ClippedGELUActivation";
      case "hardswish" -> "Hardswish";
      case "laplace" -> "LaplaceActivation";
      case "leaky_relu" -> "LeakyReLU";
      case "linear" -> "LinearActivation";
      case "mish" -> "MishActivation";
      case "relu" -> "ReLU";
      case "relu2" -> "ReLUSquaredActivation";
      case "relu6" -> "ReLU6";
      case "sigmoid" -> "Sigmoid";
      case "sqrtsoftplus" -> "SqrtSoftplusActivation";
      case "silu" -> "SiLUActivation";
      case "swish" -> "SiLU";
      case "tanh" -> "Tanh";
      case "quick_gelu" -> "QuickGELUActivation";
      default -> config.activationFunction();
    };
  }

  private static String conv(int out, int in) {
    return "Conv1D(nf=" + out + ", nx=" + in + ")";
  }

  private void module(int indent, String name, String description, String module) {
    leaf(indent, name, description, ParameterNames.weight(module), ParameterNames.bias(module));
  }

  private void leaf(int indent, String name, String description, String... parameters) {
    long count = 0;
    var shapes = new ArrayList<String>();
    for (var parameter : parameters) {
      var tensor = tensors.get(parameter);
      if (tensor == null) {
        throw new IllegalArgumentException("There is no parameter " + parameter);
      }
      count += tensor.elements();
      shapes.add(shape(tensor));
    }
    counted(
        " ".repeat(indent) + "(" + name + "): " + description,
        number(count) + "  " + String.join(" + ", shapes));
  }

  private static String shape(Tensor tensor) {
    var dims = Arrays.stream(tensor.shape()).mapToObj(Long::toString).toList();
    return "(" + String.join(", ", dims) + ") " + tensor.type();
  }

  private long total(String prefix) {
    return tensors.entrySet().stream()
        .filter(e -> e.getKey().startsWith(prefix))
        .mapToLong(e -> e.getValue().elements())
        .sum();
  }

  private void counted(String text, String count) {
    int gap = Math.max(2, COUNT_COLUMN - text.length());
    lines.add(text + " ".repeat(gap) + count);
  }

  private static String number(long value) {
    return String.format(Locale.ROOT, "%,d", value);
  }

  private static String memory(long bytes) {
    return String.format(Locale.ROOT, "%.1f MiB", bytes / 1048576.0);
  }
}
