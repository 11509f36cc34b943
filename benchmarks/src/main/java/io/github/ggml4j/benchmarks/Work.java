package io.github.ggml4j.benchmarks;

import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * A measurement, the same for ggml4j and PyTorch.
 *
 * @param what description for the report
 * @param weights the folder of the model: {@code f32} or {@code bf16}
 * @param kind {@code training} or {@code decode}
 * @param count sequences in a training step, or streams
 * @param length tokens in each sequence, or tokens that each stream generates
 * @param ours whether ggml4j supports it
 * @param precision of matrix products: {@code float32}, {@code tf32} or {@code bf16}
 * @param seconds the least time of a round
 */
record Work(
    String what,
    String weights,
    String kind,
    int count,
    int length,
    boolean ours,
    String precision,
    int runs,
    int seconds) {
  private static final String FLOAT32 = "float32";

  /** A training step. ggml4j has no bf16 products in training. */
  static Work training(int count, int length, String precision, int runs, int seconds) {
    var what = "training " + count + "x" + length + ", " + precision;
    boolean ours = !precision.equals("bf16");
    return new Work(what, "f32", "training", count, length, ours, precision, runs, seconds);
  }

  static Work decode(String weights, int streams, int tokens, int runs, int seconds) {
    var what =
        "decode, "
            + (streams == 1 ? "one stream" : streams + " streams")
            + ", "
            + (weights.equals("f32") ? FLOAT32 : weights + " weights");
    return new Work(what, weights, "decode", streams, tokens, true, FLOAT32, runs, seconds);
  }

  boolean isTraining() {
    return kind.equals("training");
  }

  /**
   * The arguments of {@code ggml4j bench}.
   *
   * @param parts number of parts of a training batch, whose gradients are accumulated
   */
  List<String> arguments(int parts) {
    var arguments = new ArrayList<String>();
    if (isTraining()) {
      arguments.addAll(List.of("--only", "training"));
      arguments.addAll(List.of("--batch-size", Integer.toString(count / parts)));
      arguments.addAll(List.of("--gradient-accumulation-steps", Integer.toString(parts)));
      arguments.addAll(List.of("--max-sequence-length", Integer.toString(length)));
    } else {
      arguments.addAll(List.of("--only", count == 1 ? "decode" : "batch"));
      arguments.addAll(List.of("--sequences", Integer.toString(count)));
      arguments.addAll(List.of("--new-tokens", Integer.toString(length)));
    }
    arguments.addAll(List.of("--runs", Integer.toString(runs)));
    if (precision.equals("tf32")) {
      arguments.add("--tf32");
    }
    return arguments;
  }

  /** The request for the PyTorch process. */
  ObjectNode request() {
    var request = JsonMapper.shared().createObjectNode();
    request.put("what", kind);
    request.put("weights", weights);
    request.put("count", count);
    request.put("length", length);
    request.put("autocast", precision.equals("bf16"));
    request.put("precision", precision.equals("tf32") ? "high" : "highest");
    request.put("runs", runs);
    return request;
  }
}
