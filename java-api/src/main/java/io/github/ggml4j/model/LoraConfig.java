package io.github.ggml4j.model;

import io.github.ggml4j.error.InvalidArgumentException;
import io.github.ggml4j.format.ParameterNames;
import io.github.ggml4j.internal.Check;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.jspecify.annotations.Nullable;

/**
 * The options of a LoRA adapter, with the names and rules of PEFT's {@code LoraConfig}.
 *
 * <p>A module has its full name in PEFT's rules, such as {@code transformer.h.0.attn.c_attn}. The
 * linear modules of the blocks can be adapted: {@code attn.c_attn}, {@code attn.c_proj}, {@code
 * mlp.c_fc} and {@code mlp.c_proj}.
 *
 * @param r the rank, at least 1
 * @param alpha {@code lora_alpha}: the scaling is {@code alpha / r}
 * @param dropout {@code lora_dropout}: the probability of dropout on the input in training
 * @param targetModules names of the modules: a module is adapted if its name is one of these, or
 *     ends with a dot and one of these. Empty if {@code targetPattern} is set
 * @param targetPattern a regular expression of the whole name, instead of {@code targetModules};
 *     null for none
 * @param excludeModules names of modules that are not adapted
 * @param layersToTransform indices of the blocks that are adapted; empty for all. Only with {@code
 *     targetModules}
 * @param useRslora whether the scaling is {@code alpha / sqrt(r)} (<a
 *     href="https://arxiv.org/abs/2312.03732">rsLoRA</a>)
 * @param rankPattern ranks of modules, by a regular expression of the end of their names; the first
 *     that matches is used
 * @param alphaPattern alphas of modules, as {@code rankPattern}
 */
public record LoraConfig(
    int r,
    double alpha,
    double dropout,
    List<String> targetModules,
    @Nullable String targetPattern,
    List<String> excludeModules,
    List<Integer> layersToTransform,
    boolean useRslora,
    Map<String, Integer> rankPattern,
    Map<String, Double> alphaPattern) {
  /** PEFT's default rank and alpha. */
  private static final int DEFAULT_RANK = 8;

  private static final String PREFIX = "transformer.";

  /** {@code target_modules="all-linear"} of PEFT. */
  private static final String ALL_LINEAR = "all-linear";

  /**
   * Checks the options.
   *
   * @throws InvalidArgumentException if a number is out of range, there are no targets, or a
   *     regular expression is not valid
   */
  public LoraConfig {
    Check.atLeast("r", r, 1);
    Check.fraction("dropout", dropout);
    Check.notNegative("alpha", alpha);
    targetModules = List.copyOf(targetModules);
    excludeModules = List.copyOf(excludeModules);
    layersToTransform = List.copyOf(layersToTransform);
    rankPattern = Collections.unmodifiableMap(new LinkedHashMap<>(rankPattern));
    alphaPattern = Collections.unmodifiableMap(new LinkedHashMap<>(alphaPattern));
    if (targetModules.isEmpty() == (targetPattern == null)) {
      throw new InvalidArgumentException(
          "targetModules", targetModules, "names, or none and a {targetPattern}");
    }
    if (targetPattern != null) {
      compile("targetPattern", targetPattern);
    }
    rankPattern.forEach((pattern, rank) -> {
      compile("rankPattern", pattern);
      Check.atLeast("rankPattern", rank, 1);
    });
    alphaPattern.forEach((pattern, value) -> {
      compile("alphaPattern", pattern);
      Check.notNegative("alphaPattern", value);
    });
  }

  private static Pattern compile(String parameter, String pattern) {
    try {
      return Pattern.compile(pattern);
    } catch (PatternSyntaxException e) {
      throw new InvalidArgumentException(
          parameter, pattern, "a regular expression", e.getDescription() + ".");
    }
  }

  /** PEFT's defaults for GPT-2: rank 8, alpha 8, no dropout, target {@code c_attn}. */
  public static LoraConfig defaults() {
    return new LoraConfig(
        DEFAULT_RANK,
        DEFAULT_RANK,
        0,
        List.of("c_attn"),
        null,
        List.of(),
        List.of(),
        false,
        Map.of(),
        Map.of());
  }

  /** {@link #defaults()} with another rank, and alpha equal to it. */
  public static LoraConfig rank(int r) {
    return defaults().withRank(r).withAlpha(r);
  }

  /** A copy with another rank. */
  public LoraConfig withRank(int rank) {
    return new LoraConfig(
        rank,
        alpha,
        dropout,
        targetModules,
        targetPattern,
        excludeModules,
        layersToTransform,
        useRslora,
        rankPattern,
        alphaPattern);
  }

  /** A copy with another alpha. */
  public LoraConfig withAlpha(double value) {
    return new LoraConfig(
        r,
        value,
        dropout,
        targetModules,
        targetPattern,
        excludeModules,
        layersToTransform,
        useRslora,
        rankPattern,
        alphaPattern);
  }

  /** A copy with another dropout. */
  public LoraConfig withDropout(double probability) {
    return new LoraConfig(
        r,
        alpha,
        probability,
        targetModules,
        targetPattern,
        excludeModules,
        layersToTransform,
        useRslora,
        rankPattern,
        alphaPattern);
  }

  /** A copy with other targets, such as {@code c_attn, c_proj, c_fc}. */
  public LoraConfig withTargetModules(String... modules) {
    return new LoraConfig(
        r,
        alpha,
        dropout,
        List.of(modules),
        null,
        excludeModules,
        layersToTransform,
        useRslora,
        rankPattern,
        alphaPattern);
  }

  /** A copy with or without the scaling of rsLoRA. */
  public LoraConfig withRslora(boolean value) {
    return new LoraConfig(
        r,
        alpha,
        dropout,
        targetModules,
        targetPattern,
        excludeModules,
        layersToTransform,
        value,
        rankPattern,
        alphaPattern);
  }

  /**
   * The modules of a model that are adapted, in the order of the model.
   *
   * @return names without {@code transformer.}, such as {@code h.0.attn.c_attn}
   * @throws InvalidArgumentException if there are none, or one is an embedding, a LayerNorm or the
   *     head
   */
  public List<String> modules(Gpt2Config config) {
    var modules = new ArrayList<String>();
    for (var weight : WeightSpec.of(config)) {
      if (!weight.name().endsWith(".weight")) {
        continue;
      }
      var module = weight.name().substring(0, weight.name().length() - ".weight".length());
      boolean head = weight.name().equals(ParameterNames.LM_HEAD);
      if (!isTarget(head ? module : PREFIX + module)) {
        continue;
      }
      if (!weight.linear()) {
        if (!isAllLinear()) {
          throw new InvalidArgumentException(
              "targetModules",
              targets(),
              "linear modules of the blocks (c_attn, c_proj, c_fc)",
              "It includes " + module + ", which cannot be adapted.");
        }
        continue;
      }
      modules.add(module);
    }
    if (config.tieWordEmbeddings() && !isAllLinear() && isTarget("lm_head")) {
      throw new InvalidArgumentException(
          "targetModules",
          targets(),
          "linear modules of the blocks (c_attn, c_proj, c_fc)",
          "It includes lm_head, which cannot be adapted.");
    }
    if (modules.isEmpty()) {
      throw new InvalidArgumentException(
          "targetModules", targets(), "names of modules of the model, such as c_attn");
    }
    return modules;
  }

  private Object targets() {
    return targetPattern == null ? targetModules : targetPattern;
  }

  private boolean isAllLinear() {
    return ALL_LINEAR.equals(targetPattern);
  }

  private boolean isTarget(String name) {
    if (isNamed(excludeModules, name)) {
      return false;
    }
    if (targetPattern != null) {
      return isAllLinear() || Pattern.matches(targetPattern, name);
    }
    if (!isNamed(targetModules, name)) {
      return false;
    }
    return layersToTransform.isEmpty()
        || targetModules.contains(name)
        || layersToTransform.contains(ParameterNames.layerOf(withoutPrefix(name)));
  }

  private static String withoutPrefix(String name) {
    return name.startsWith(PREFIX) ? name.substring(PREFIX.length()) : name;
  }

  private static boolean isNamed(List<String> names, String module) {
    return names.stream().anyMatch(name -> module.equals(name) || module.endsWith("." + name));
  }

  /** The rank of a module. */
  public int rankOf(String module) {
    return first(rankPattern, module, r);
  }

  /** The factor of a module: {@code alpha / r}, or {@code alpha / sqrt(r)} for rsLoRA. */
  public float scalingOf(String module) {
    int rank = rankOf(module);
    return (float) (first(alphaPattern, module, alpha) / (useRslora ? Math.sqrt(rank) : rank));
  }

  private static <T> T first(Map<String, T> patterns, String module, T otherwise) {
    for (var entry : patterns.entrySet()) {
      if (Pattern.matches("(.*\\.)?(" + entry.getKey() + ")", PREFIX + module)) {
        return entry.getValue();
      }
    }
    return otherwise;
  }
}
