package io.github.ggml4j.trainer.optim;

import io.github.ggml4j.tensor.Graph;
import io.github.ggml4j.tensor.Tensor;
import io.github.ggml4j.trainer.optim.ParameterVector.Slice;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * Computes the update of parameters from their gradients.
 *
 * <p>An optimizer is an immutable value: its options, and the ops of an update. The training engine
 * holds the state (moments, momentum). The engine calls {@link #state}, {@link #addUpdate}, {@link
 * #zeroesGradients} and {@link #maxNodes}; only implementations of an optimizer need them. Write an
 * optimizer as a record: a checkpoint compares all components of a record, but only {@link
 * #learningRate} and the names of {@link #state} of another class.
 */
public interface Optimizer {

  /**
   * Base learning rate. The rate of a step is this value times the factor of the {@link
   * io.github.ggml4j.trainer.schedule.Schedule}.
   *
   * @return the base learning rate, finite and at least 0
   */
  double learningRate();

  /**
   * The state vectors for some parameters.
   *
   * @param slices the parameters that this optimizer updates; may be empty
   * @return the vectors; empty for an optimizer without state. Their names do not depend on the
   *     parameters
   * @throws IllegalArgumentException if the optimizer cannot update one of the parameters
   */
  List<StateSpec> state(List<Slice> slices);

  /**
   * Adds one update, in place, to a graph. The graph is built once and run for every step.
   *
   * <p>The update may overwrite the gradients of its slices; see {@link #zeroesGradients}.
   *
   * @param graph the graph of the update
   * @param parameters the parameters and their gradients
   * @param state the vectors of {@link #state} by name, without those of length 0
   * @return a function that the engine calls before each run of the graph; it copies the values of
   *     the step into the graph's inputs
   */
  Consumer<UpdateStep> addUpdate(
      Graph graph, ParameterVector parameters, Map<String, Tensor> state);

  /**
   * Whether the update also sets the gradients to zero. If not, the engine does it after the
   * update.
   *
   * @param graph the graph of the update
   * @return false unless the optimizer has a kernel that does both
   */
  default boolean zeroesGradients(Graph graph) {
    return false;
  }

  /**
   * Upper bound of the number of graph nodes and views that {@link #addUpdate} adds.
   *
   * @param slices the parameters that this optimizer updates
   * @return an upper bound
   */
  default int maxNodes(List<Slice> slices) {
    return 64 * (1 + slices.size());
  }

  /**
   * An optimizer that updates the parameters of some names by another optimizer, as PyTorch's
   * parameter groups.
   *
   * @param pattern regular expression that is searched in the names of parameters, for instance
   *     {@code ^wte|^wpe}. The first group that matches takes a parameter
   * @param other the optimizer of the group, with its own learning rate; the schedule's factor
   *     applies to all groups
   * @return an optimizer with the group
   * @throws io.github.ggml4j.error.InvalidArgumentException if the expression is not valid
   */
  default ParameterGroups group(String pattern, Optimizer other) {
    return new ParameterGroups(List.of(new ParameterGroups.Group(pattern, other)), this);
  }
}
