package io.github.ggml4j.trainer.engine;

import io.github.ggml4j.model.FlatLayout;
import io.github.ggml4j.tensor.Graph;
import io.github.ggml4j.tensor.Tensor;
import io.github.ggml4j.tensor.TensorStore;
import java.util.List;

/** The arithmetic of an optimizer over all parameters as one vector. */
public interface UpdateRule {
  /**
   * Declares the state it keeps for each parameter, such as moments; F32 of the length of the
   * vector.
   */
  List<Tensor> declare(TensorStore store, FlatLayout layout);

  /** How many nodes {@link #update} adds at most. */
  default int maxNodes(FlatLayout layout) {
    return 64;
  }

  /** The names of its state, for checkpoints, in the order of {@link #declare}. */
  List<String> stateNames();

  /**
   * Adds the update in place to a graph, gradients being zeroed where the device's kernels do that.
   *
   * @param controls one F32[8] for matrices and one for all other parameters, filled by {@link
   *     #controls}
   */
  void update(
      Graph graph,
      FlatLayout layout,
      Tensor values,
      Tensor gradients,
      List<Tensor> state,
      List<Tensor> controls);

  /**
   * The numbers of one step.
   *
   * @param step counted from 1
   * @param gradientScale factor on the gradients, from clipping
   * @param decayed whether this is for the matrices, which weight decay applies to
   * @return 8 values
   */
  float[] controls(long step, float learningRate, float gradientScale, boolean decayed);
}
