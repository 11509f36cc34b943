package io.github.ggml4j.benchmarks;

import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.node.ObjectNode;

/** Figures of several rounds. */
final class Rounds {
  private final List<Double> values = new ArrayList<>();

  void add(double value) {
    values.add(value);
  }

  boolean isEmpty() {
    return values.isEmpty();
  }

  /** Round by round, this divided by another; rounds that one of them has not are left out. */
  Rounds over(Rounds other) {
    var ratios = new Rounds();
    for (int i = 0; i < Math.min(values.size(), other.values.size()); i++) {
      ratios.add(values.get(i) / other.values.get(i));
    }
    return ratios;
  }

  double median() {
    return median(values);
  }

  /** The one in the middle, the lower of two. */
  static double median(List<Double> values) {
    return values.stream().sorted().toList().get((values.size() - 1) / 2);
  }

  void write(ObjectNode node) {
    node.put("median", median());
    node.put("lowest", values.stream().mapToDouble(Double::doubleValue).min().orElseThrow());
    node.put("highest", values.stream().mapToDouble(Double::doubleValue).max().orElseThrow());
    var all = node.putArray("rounds");
    values.forEach(all::add);
  }
}
