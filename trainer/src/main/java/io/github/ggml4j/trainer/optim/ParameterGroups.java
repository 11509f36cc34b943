package io.github.ggml4j.trainer.optim;

import io.github.ggml4j.error.InvalidArgumentException;
import io.github.ggml4j.tensor.Graph;
import io.github.ggml4j.tensor.Tensor;
import io.github.ggml4j.trainer.optim.ParameterVector.Slice;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import java.util.stream.Collectors;

/**
 * Different optimizers for different parameters, as PyTorch's {@code param_groups}. The first group
 * whose pattern is found in the name of a parameter updates it; {@code rest} updates all others.
 *
 * <p>The names of state vectors begin with the number of their group: {@code 0.exp_avg}.
 *
 * @param groups in the order in which they are searched
 * @param rest the optimizer of all other parameters; its base learning rate is the one that is
 *     reported
 */
public record ParameterGroups(List<Group> groups, Optimizer rest) implements Optimizer {
  /**
   * An optimizer for the parameters of some names.
   *
   * @param pattern regular expression that is searched in the names
   * @param optimizer their optimizer
   */
  public record Group(String pattern, Optimizer optimizer) {
    /** Checks the pattern. */
    public Group {
      compile(pattern);
    }

    private static Pattern compile(String pattern) {
      try {
        return Pattern.compile(pattern);
      } catch (PatternSyntaxException e) {
        throw new InvalidArgumentException(
            "pattern", pattern, "a regular expression", e.getDescription());
      }
    }

    private boolean matches(Slice slice) {
      return compile(pattern).matcher(slice.name()).find();
    }
  }

  /** An optimizer with the slices that it updates. */
  private record Part(Optimizer optimizer, List<Slice> slices) {}

  /** Copies the list. */
  public ParameterGroups {
    groups = List.copyOf(groups);
  }

  @Override
  public ParameterGroups group(String pattern, Optimizer other) {
    var all = new ArrayList<>(groups);
    all.add(new Group(pattern, other));
    return new ParameterGroups(all, rest);
  }

  @Override
  public double learningRate() {
    return rest.learningRate();
  }

  /** The groups and the rest, each with its slices. */
  private List<Part> parts(List<Slice> slices) {
    var parts = new ArrayList<Part>();
    var left = new ArrayList<>(slices);
    for (var group : groups) {
      var taken = left.stream().filter(group::matches).toList();
      if (taken.isEmpty() && !slices.isEmpty()) {
        throw new InvalidArgumentException(
            "pattern",
            group.pattern(),
            "a pattern that is found in the name of a trained parameter",
            slices.stream().anyMatch(group::matches)
                ? "Earlier groups have all of these parameters"
                : "The parameters are "
                    + slices.stream().map(Slice::name).sorted().collect(Collectors.joining(", ")));
      }
      left.removeAll(taken);
      parts.add(new Part(group.optimizer(), taken));
    }
    parts.add(new Part(rest, List.copyOf(left)));
    return parts;
  }

  @Override
  public List<StateSpec> state(List<Slice> slices) {
    var all = new ArrayList<StateSpec>();
    var parts = parts(slices);
    for (int i = 0; i < parts.size(); i++) {
      var prefix = prefix(i);
      parts.get(i).optimizer().state(parts.get(i).slices()).stream()
          .map(spec -> new StateSpec(prefix + spec.name(), spec.type(), spec.elements()))
          .forEach(all::add);
    }
    return all;
  }

  private static String prefix(int group) {
    return group + ".";
  }

  @Override
  public Consumer<UpdateStep> addUpdate(
      Graph graph, ParameterVector parameters, Map<String, Tensor> state) {
    var parts = parts(parameters.slices());
    var inputs = new ArrayList<Consumer<UpdateStep>>();
    for (int i = 0; i < parts.size(); i++) {
      var part = parts.get(i);
      if (part.slices().isEmpty()) {
        continue;
      }
      var own = new HashMap<String, Tensor>();
      var prefix = prefix(i);
      state.forEach((name, tensor) -> {
        if (name.startsWith(prefix)) {
          own.put(name.substring(prefix.length()), tensor);
        }
      });
      inputs.add(part.optimizer().addUpdate(graph, parameters.where(part.slices()::contains), own));
    }
    return step -> inputs.forEach(input -> input.accept(step));
  }

  @Override
  public boolean zeroesGradients(Graph graph) {
    return rest.zeroesGradients(graph)
        && groups.stream().allMatch(group -> group.optimizer().zeroesGradients(graph));
  }

  @Override
  public int maxNodes(List<Slice> slices) {
    return parts(slices).stream()
        .mapToInt(part -> part.optimizer().maxNodes(part.slices()))
        .reduce(0, Math::addExact);
  }
}
