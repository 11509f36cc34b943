package io.github.ggml4j.cli;

import io.github.ggml4j.inference.InferenceSession;
import io.github.ggml4j.model.Gpt2Model;
import io.github.ggml4j.tensor.MemoryEstimate;
import io.github.ggml4j.tensor.Tensor;
import io.github.ggml4j.trainer.Trainer;
import io.github.ggml4j.trainer.internal.engine.TrainingEngine;
import io.github.ggml4j.trainer.optim.AdamW;
import java.util.OptionalDouble;
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
    footer = {
      "",
      "The last two lines estimate the device memory for generating one text of n_positions tokens,"
          + " and for training with the default options of finetune.",
      "",
      "Examples:",
      "  ggml4j summary",
      "  ggml4j summary --model gpt2.gguf --json"
    })
final class SummaryCommand implements Runnable {
  @Spec private CommandSpec spec;
  @Mixin private ModelOptions model;

  @Option(names = "--json", description = "Print JSON: parameters, bytes and every tensor.")
  private boolean json;

  @Override
  public void run() {
    try (var loaded = model.load(model.open())) {
      var out = spec.commandLine().getOut();
      if (json) {
        out.println(json(loaded));
        return;
      }
      out.println(loaded.summary());
      int length = loaded.config().nPositions();
      out.println("Generation: " + InferenceSession.estimateMemory(loaded, 1, 1, length).brief());
      out.println("Training:   " + training(loaded).brief());
    }
  }

  /** With the defaults of finetune. Needs no tokenizer. */
  private static MemoryEstimate training(Gpt2Model model) {
    var config = model.config();
    int length = Math.min(Trainer.DEFAULT_SEQUENCE_LENGTH, config.nPositions());
    var optimizer = AdamW.learningRate(Trainer.DEFAULT_LEARNING_RATE);
    var settings = TrainingEngine.Settings.of(config, Trainer.DEFAULT_SEED, OptionalDouble.empty());
    return TrainingEngine.estimate(model, optimizer, settings, Trainer.DEFAULT_BATCH_SIZE, length);
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
