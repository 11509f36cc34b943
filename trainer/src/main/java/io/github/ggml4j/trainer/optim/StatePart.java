package io.github.ggml4j.trainer.optim;

import io.github.ggml4j.tensor.Graph;
import io.github.ggml4j.tensor.Tensor;
import io.github.ggml4j.trainer.optim.ParameterVector.Run;
import io.github.ggml4j.trainer.optim.ParameterVector.Slice;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Predicate;

/**
 * Parameters that have the same weight decay, of an optimizer whose state vectors have one number
 * for each parameter.
 *
 * @param decays whether weight decay applies to them
 * @param runs where they are
 */
record StatePart(boolean decays, List<StateRun> runs) {
  /**
   * A run of parameters and where its state is.
   *
   * @param parameters in the vector of parameters
   * @param first index of its first element in a state vector
   */
  record StateRun(Run parameters, long first) {
    /** The part of a state vector that belongs to the run. */
    Tensor state(Graph graph, Map<String, Tensor> state, String name) {
      return graph.view(Objects.requireNonNull(state.get(name), name), first, parameters.length());
    }
  }

  /** All parameters as one part. */
  static StatePart all(ParameterVector parameters) {
    return select(parameters, slice -> true, true);
  }

  /** One part for matrices and one for vectors; one for all if vectors decay too. */
  static List<StatePart> of(ParameterVector parameters, boolean decayVectors) {
    return decayVectors
        ? List.of(all(parameters))
        : List.of(
                select(parameters, Slice::isMatrix, true),
                select(parameters, slice -> !slice.isMatrix(), false))
            .stream()
            .filter(part -> !part.runs().isEmpty())
            .toList();
  }

  private static StatePart select(
      ParameterVector parameters, Predicate<Slice> chosen, boolean decays) {
    var runs = new ArrayList<StateRun>();
    long at = 0;
    var joined = new ArrayList<Slice>();
    for (var slice : parameters.slices()) {
      if (chosen.test(slice)) {
        joined.add(slice);
      } else {
        at = flush(joined, at, runs) + slice.length();
      }
    }
    flush(joined, at, runs);
    return new StatePart(decays, runs);
  }

  /** Adds the runs of slices that begin at {@code at} of the state; returns where they end. */
  private static long flush(List<Slice> slices, long at, List<StateRun> runs) {
    for (var run : ParameterVector.runs(slices)) {
      runs.add(new StateRun(run, at));
      at += run.length();
    }
    slices.clear();
    return at;
  }
}
