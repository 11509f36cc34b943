package io.github.ggml4j.benchmarks;

import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * The same work for both sides.
 *
 * @param what for people
 * @param weights the folder of the model: {@code f32} or {@code bf16}
 * @param kind {@code training} or {@code decode}
 * @param count sequences of a training step, or streams
 * @param length tokens of each, or tokens that each stream generates
 * @param ours whether ggml4j can do it
 * @param precision of products: {@code float32}, {@code tf32} or {@code bf16}
 * @param seconds what a round takes at least
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

  /** Training, in which only PyTorch computes products in bf16 so far. */
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
   * Arguments of the command bench.
   *
   * @param parts how many parts a training batch is divided into, whose gradients are added up
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

  /** What PyTorch's process is asked for. */
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
