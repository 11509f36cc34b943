package io.github.ggml4j.benchmarks;

import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.node.ObjectNode;

/** The results of several rounds of a measurement. */
final class Rounds {
  private final List<Double> values = new ArrayList<>();

  void add(double value) {
    values.add(value);
  }

  boolean isEmpty() {
    return values.isEmpty();
  }

  /** The ratio to another measurement for each round that both have. */
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

  /** The median; of an even number of rounds the lower one. */
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
