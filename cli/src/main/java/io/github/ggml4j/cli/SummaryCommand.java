package io.github.ggml4j.cli;

import io.github.ggml4j.model.Gpt2Model;
import io.github.ggml4j.tensor.Tensor;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import tools.jackson.databind.json.JsonMapper;

@Command(
    name = "summary",
    description = "Prints a model's layers, with their shapes and parameters.",
    mixinStandardHelpOptions = true,
    footer = {"", "Examples:", "  ggml4j summary", "  ggml4j summary --model gpt2.gguf --json"})
final class SummaryCommand implements Runnable {
  @Spec private CommandSpec spec;
  @Mixin private ModelOptions model;

  @Option(names = "--json", description = "Print JSON: parameters, bytes and every tensor.")
  private boolean json;

  @Override
  public void run() {
    try (var loaded = model.load(model.open())) {
      spec.commandLine().getOut().println(json ? json(loaded) : loaded.summary());
    }
  }

  private static String json(Gpt2Model model) {
    var node = JsonMapper.shared().createObjectNode();
    node.put("parameters", model.parameterCount());
    node.put("bytes", model.tensors().values().stream().mapToLong(Tensor::bytes).sum());
    node.put("device", model.device().toString());
    var tensors = node.putArray("tensors");
    model
        .tensors()
        .forEach((name, tensor) -> {
          var one = tensors.addObject();
          one.put("name", name);
          one.put("type", tensor.type().name());
          var shape = one.putArray("shape");
          for (long dimension : tensor.shape()) {
            shape.add(dimension);
          }
        });
    return node.toString();
  }
}
