package io.github.ggml4j.cli;

import io.github.ggml4j.evaluation.Estimate;
import io.github.ggml4j.evaluation.Speed;
import io.github.ggml4j.evaluation.TypeReport;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Prints a comparison of types by size, speed and loss. */
final class TypeTable {
  private static final double MEGABYTE = 1e6;
  private static final int[] PERCENTILES = {1, 5, 10, 50, 90, 95, 99};

  private TypeTable() {}

  static void print(List<TypeReport> reports, PrintWriter out) {
    var base = reports.getFirst().loss();
    out.println(
        String.format(
            Locale.ROOT,
            "Original model: perplexity %.4f +/- %.4f over %,d tokens in %d windows",
            base.basePerplexity().value(),
            base.basePerplexity().standardError(),
            base.tokens(),
            base.windows()));
    out.println();
    out.println(
        "type           MB  bits   prompt   decode  perplexity   change       KLD   99% KLD same"
            + " top");
    out.println("                           tok/s    tok/s");
    for (var report : reports) {
      var loss = report.loss();
      out.println(
          String.format(
              Locale.ROOT,
              "%-9s %7.1f %5.2f %8.0f %8.1f %11.4f %+7.2f%% %9.6f %9.5f %7.2f%%",
              report.type().label(),
              report.bytes() / MEGABYTE,
              report.bitsPerWeight(),
              report.prompt().tokensPerSecond(),
              report.decode().tokensPerSecond(),
              loss.perplexity().value(),
              100 * Math.expm1(loss.logPerplexityRatio().value()),
              loss.divergence().value(),
              loss.divergences().percentile(99),
              100 * loss.sameTop().value()));
    }
  }

  static String json(List<TypeReport> reports) {
    var root = JsonMapper.shared().createObjectNode();
    var base = reports.getFirst().loss();
    put(root, "base_perplexity", base.basePerplexity());
    root.put("tokens", base.tokens());
    root.put("windows", base.windows());
    var types = root.putArray("types");
    for (var report : reports) {
      var node = types.addObject();
      node.put("type", report.type().label());
      node.put("bytes", report.bytes());
      node.put("bits_per_weight", report.bitsPerWeight());
      node.put("prompt_tokens_per_second", report.prompt().tokensPerSecond());
      node.put("decode_tokens_per_second", report.decode().tokensPerSecond());
      var loss = report.loss();
      put(node, "perplexity", loss.perplexity());
      put(node, "log_perplexity_ratio", loss.logPerplexityRatio());
      put(node, "kl_divergence", loss.divergence());
      node.put("kl_divergence_max", loss.divergences().max());
      var percentiles = node.putObject("kl_divergence_percentiles");
      var changes = node.putObject("probability_change_percentiles");
      for (int percent : PERCENTILES) {
        percentiles.put(Integer.toString(percent), loss.divergences().percentile(percent));
        changes.put(Integer.toString(percent), loss.probabilityChanges().percentile(percent));
      }
      put(node, "rms_probability_change", loss.rmsProbabilityChange());
      put(node, "same_top", loss.sameTop());
    }
    return root.toString();
  }

  private static void put(ObjectNode node, String name, Estimate estimate) {
    node.put(name, estimate.value());
    node.put(name + "_error", estimate.standardError());
  }

  /** Adds a measured speed with all of its runs. */
  static void put(ObjectNode node, Speed speed) {
    node.put("name", speed.name());
    node.put("tokens", speed.tokens());
    node.put("tokens_per_second", speed.tokensPerSecond());
    node.put("min", speed.min());
    node.put("max", speed.max());
    var runs = node.putArray("runs");
    speed.runs().forEach(runs::add);
  }
}
