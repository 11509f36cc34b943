package io.github.ggml4j.tensor;

import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Reverse-mode differentiation of a {@link Graph}. While the forward pass is added, each op records
 * how to compute the gradients of its inputs from the gradient of its result; {@link #backward}
 * then goes through these records from the last to the first and adds the nodes of the backward
 * pass.
 *
 * <p>Gradients of {@link Parameter}s are accumulated in place by the ops that use them; gradients
 * of intermediate results live only as long as the backward pass needs them.
 */
public final class Tape {
  private record Entry(Tensor result, Consumer<Tensor> backward) {}

  private final Graph graph;
  private final List<Entry> entries = new ArrayList<>();
  private final Set<Tensor> tracked = Collections.newSetFromMap(new IdentityHashMap<>());
  private final Map<Tensor, Tensor> gradients = new IdentityHashMap<>();
  private boolean done;

  Tape(Graph graph) {
    this.graph = graph;
  }

  /** Requests the gradient of a tensor that is not the result of an op, such as an input. */
  public void watch(Tensor leaf) {
    tracked.add(leaf);
  }

  /**
   * Whether the gradient of {@code x} is computed: it is watched, or the result of an op with a
   * tracked input or a trained parameter.
   */
  public boolean tracks(Tensor x) {
    return tracked.contains(x);
  }

  /**
   * Records an op without parameters. Nothing is recorded if none of its inputs is tracked.
   *
   * @param backward takes the gradient of {@code result} and adds to the gradients of the inputs
   *     with {@link #add}
   */
  public void record(Tensor result, Consumer<Tensor> backward, Tensor... inputs) {
    for (var input : inputs) {
      if (tracks(input)) {
        recordAlways(result, backward);
        return;
      }
    }
  }

  /**
   * Records an op that has trained parameters. Ops of the backward pass itself are not recorded.
   */
  public void recordAlways(Tensor result, Consumer<Tensor> backward) {
    if (done) {
      return;
    }
    tracked.add(result);
    entries.add(new Entry(result, backward));
  }

  /** Adds to the gradient of {@code x}; does nothing if {@code x} is not tracked. */
  public void add(Tensor x, Tensor gradient) {
    if (tracks(x)) {
      var sum = gradients.get(x);
      gradients.put(x, sum == null ? gradient : graph.add(sum, gradient));
    }
  }

  /**
   * The gradient of {@code x}; null if there is none. {@link #backward} discards gradients of
   * results of ops once they are used, and keeps those of watched tensors.
   */
  public @Nullable Tensor gradient(Tensor x) {
    return gradients.get(x);
  }

  /**
   * Adds the backward pass to the graph.
   *
   * @param result the tensor it starts from, usually the loss
   * @param seed the gradient of {@code result}, of its shape
   */
  public void backward(Tensor result, Tensor seed) {
    if (done) {
      throw new IllegalStateException("The backward pass is already built");
    }
    done = true;
    add(result, seed);
    for (int i = entries.size() - 1; i >= 0; i--) {
      var entry = entries.get(i);
      var gradient = gradients.remove(entry.result());
      if (gradient != null) {
        entry.backward().accept(gradient);
      }
    }
    entries.clear();
  }
}
