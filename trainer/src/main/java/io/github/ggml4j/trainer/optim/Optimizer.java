package io.github.ggml4j.trainer.optim;

import io.github.ggml4j.tensor.Graph;
import io.github.ggml4j.tensor.Tensor;
import java.util.List;
import java.util.function.Consumer;

/**
 * Computes the update of parameters from their gradients.
 *
 * <p>An optimizer is an immutable value: its options, and the ops of an update. The training engine
 * holds the state for each parameter (moments, momentum). The engine calls {@link #stateNames},
 * {@link #addUpdate}, {@link #zeroesGradients} and {@link #maxNodes}; only implementations of an
 * optimizer need them. Write an optimizer as a record: a checkpoint compares all components of a
 * record, but only {@link #learningRate} and {@link #stateNames} of another class.
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
   * Names of the state vectors, as in PyTorch's {@code state_dict}. Each is an F32 vector of the
   * same length as the parameters, and zero before the first update.
   *
   * @return the names; empty for an optimizer without state
   */
  List<String> stateNames();

  /**
   * Adds one update, in place, to a graph. The graph is built once and run for every step.
   *
   * <p>The update may overwrite the gradients; see {@link #zeroesGradients}.
   *
   * @param graph the graph of the update
   * @param parameters all parameters and their gradients
   * @param state vectors in the order of {@link #stateNames}
   * @return a function that the engine calls before each run of the graph; it copies the values of
   *     the step into the graph's inputs
   */
  Consumer<UpdateStep> addUpdate(Graph graph, ParameterVector parameters, List<Tensor> state);

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
   * Upper bound of the number of graph nodes that {@link #addUpdate} adds.
   *
   * @param parameterCount elements of {@link ParameterVector#values}
   * @return an upper bound
   */
  default int maxNodes(long parameterCount) {
    return 64;
  }
}
