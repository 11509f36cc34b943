package io.github.ggml4j.tensor;

import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
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

  /** What {@link #recordAlways} does. */
  private enum Mode {
    /** The forward pass, also when a segment is run again: ops are recorded. */
    RECORDING,
    /** The forward pass of a segment that is run again later: results are only tracked. */
    TRACKING,
    /** The backward pass: ops are neither recorded nor tracked. */
    OFF
  }

  /**
   * A segment that is run again.
   *
   * @param result its result in the forward pass
   * @param last number of the op that computed the result; -1 if that is unknown
   */
  private record Replay(Tensor result, int last) {}

  private final Graph graph;
  private List<Entry> entries = new ArrayList<>();
  private Mode mode = Mode.RECORDING;
  private @Nullable Replay replay;

  /** Results of the ops of the current segment. */
  private final List<Tensor> results = new ArrayList<>();

  private final Map<Tensor, Supplier<Tensor>> recomputable = new IdentityHashMap<>();
  private final Set<Tensor> tracked = Collections.newSetFromMap(new IdentityHashMap<>());
  private final Map<Tensor, Tensor> gradients = new IdentityHashMap<>();

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
    if (mode == Mode.OFF) {
      return;
    }
    tracked.add(result);
    if (mode == Mode.RECORDING) {
      entries.add(new Entry(result, backward));
    }
  }

  /**
   * Declares how to compute a tensor again from tensors that are kept. The backward pass then
   * computes it again instead of keeping it.
   *
   * @param x a result of the forward pass
   * @param again adds the same op
   */
  public void recomputable(Tensor x, Supplier<Tensor> again) {
    if (mode == Mode.RECORDING && replay == null) {
      recomputable.put(x, again);
    }
  }

  /**
   * A tensor of the forward pass for use in the backward pass: {@code x} itself, or the same
   * elements computed again. Each tensor is computed again at most once.
   */
  public Tensor saved(Tensor x) {
    var again = recomputable.get(x);
    if (again == null) {
      return x;
    }
    var computed = again.get();
    recomputable.put(x, () -> computed);
    return computed;
  }

  /**
   * Adds a segment of the forward pass whose intermediate results are not kept: the backward pass
   * runs the segment again (Chen et al. 2016, arXiv:1604.06174). The gradients are the same to the
   * last bit.
   *
   * @param x the input, which is kept
   * @param segment adds the ops; it must add the same ones if it is applied again, and must not
   *     contain a checkpoint itself
   * @return the result of the segment
   */
  public Tensor checkpoint(Tensor x, UnaryOperator<Tensor> segment) {
    if (mode != Mode.RECORDING || replay != null) {
      throw new IllegalStateException("A checkpoint within a checkpoint or the backward pass");
    }
    mode = Mode.TRACKING;
    results.clear();
    var y = segment.apply(x);
    mode = Mode.RECORDING;
    if (tracks(y)) {
      var again = new Replay(y, indexOf(y));
      entries.add(new Entry(y, dy -> runAgain(x, segment, again, dy)));
    }
    return y;
  }

  private int indexOf(Tensor y) {
    for (int i = results.size() - 1; i >= 0; i--) {
      if (results.get(i) == y) {
        return i;
      }
    }
    return -1;
  }

  private void runAgain(Tensor x, UnaryOperator<Tensor> segment, Replay again, Tensor dy) {
    var outer = entries;
    entries = new ArrayList<>();
    mode = Mode.RECORDING;
    replay = again;
    results.clear();
    var y = segment.apply(x);
    mode = Mode.OFF;
    replay = null;
    add(y, dy);
    runBackward(entries);
    entries = outer;
  }

  /**
   * Adds an op whose backward pass does not read its result. If the op is the last one of a segment
   * that runs again, the result of the forward pass is returned and the op is not added.
   */
  public Tensor result(Supplier<Tensor> op) {
    if (replay != null && results.size() == replay.last()) {
      results.add(replay.result());
      return replay.result();
    }
    var y = op.get();
    if (mode == Mode.TRACKING || replay != null) {
      results.add(y);
    }
    return y;
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
    if (mode == Mode.OFF) {
      throw new IllegalStateException("The backward pass is already built");
    }
    mode = Mode.OFF;
    add(result, seed);
    runBackward(entries);
    entries.clear();
  }

  private void runBackward(List<Entry> list) {
    for (int i = list.size() - 1; i >= 0; i--) {
      var entry = list.get(i);
      var gradient = gradients.remove(entry.result());
      if (gradient != null) {
        entry.backward().accept(gradient);
      }
    }
  }
}
