package io.github.ggml4j.nn;

import io.github.ggml4j.tensor.Graph;
import io.github.ggml4j.tensor.Parameter;
import io.github.ggml4j.tensor.Tape;
import io.github.ggml4j.tensor.Tensor;
import io.github.ggml4j.tensor.internal.Kernel;
import io.github.ggml4j.tensor.internal.KernelActivation;
import io.github.ggml4j.tensor.internal.KernelParams;
import java.util.ArrayList;
import org.jspecify.annotations.Nullable;

/**
 * The affine map {@code y = x Wᵀ + b}, as {@code torch.nn.Linear}; Hugging Face's {@code Conv1D} is
 * the same with W stored transposed.
 *
 * <p>Shapes: x {@code (tokens, in)} F32, W {@code (out, in)} of any type (F32 when trained), b
 * {@code (out)} F32, y {@code (tokens, out)} F32. Backward: {@code dx = dy W}, {@code dW += dyᵀ x},
 * {@code db += sum of dy over tokens}.
 *
 * @param weight W
 * @param bias b; null if there is none
 * @param lora what is added to y; null if there is none
 */
public record Linear(Parameter weight, @Nullable Parameter bias, @Nullable Lora lora) {
  /** A layer without adaptation. */
  public Linear(Parameter weight, @Nullable Parameter bias) {
    this(weight, bias, null);
  }

  /** {@code x Wᵀ + b}. */
  public Tensor forward(Graph graph, Tensor x) {
    return forward(graph, x, (Tensor) null);
  }

  /**
   * {@code residual + x Wᵀ + b}.
   *
   * @param residual {@code (tokens, out)}; null to add none
   */
  public Tensor forward(Graph graph, Tensor x, @Nullable Tensor residual) {
    var y = affine(graph, x, residual);
    return lora == null ? y : lora.forward(graph, x, y);
  }

  private Tensor affine(Graph graph, Tensor x, @Nullable Tensor residual) {
    check(graph, x, residual);
    var tape = graph.tape();
    var y =
        tape == null ? product(graph, x, residual) : tape.result(() -> product(graph, x, residual));
    if (tape != null && isDifferentiated(tape, x, residual)) {
      tape.recordAlways(
          y,
          dy -> {
            addParameterGradients(graph, tape, x, dy);
            if (tape.tracks(x)) {
              tape.add(x, inputGradient(graph, dy));
            }
            if (residual != null) {
              tape.add(residual, dy);
            }
          });
    }
    return y;
  }

  private Tensor product(Graph graph, Tensor x, @Nullable Tensor residual) {
    return graph.has(Kernel.LINEAR_FORWARD)
        ? fused(graph, x, residual, null)
        : stock(graph, x, residual);
  }

  private void addParameterGradients(Graph graph, Tape tape, Tensor x, Tensor dy) {
    addParameterGradients(graph, weight.gradient() == null ? x : tape.saved(x), dy);
  }

  private boolean isDifferentiated(Tape tape, Tensor x, @Nullable Tensor residual) {
    return weight.gradient() != null
        || (bias != null && bias.gradient() != null)
        || tape.tracks(x)
        || (residual != null && tape.tracks(residual));
  }

  /** {@code activation(x Wᵀ + b)}. */
  public Tensor forward(Graph graph, Tensor x, Activation activation) {
    if (lora == null
        && activation.hasKernel()
        && graph.has(Kernel.LINEAR_FORWARD)
        && graph.tape() == null) {
      check(graph, x, null);
      return fused(graph, x, null, activation);
    }
    return activation.forward(graph, forward(graph, x));
  }

  /** {@code dW += dyᵀ x} and {@code db += sum of dy}. */
  void addParameterGradients(Graph graph, Tensor x, Tensor dy) {
    var dw = weight.gradient();
    var db = bias == null ? null : bias.gradient();
    if (dw != null && graph.has(Kernel.LINEAR_BACKWARD_DW)) {
      var params = KernelParams.none().bias(db != null);
      if (db == null) {
        graph.kernelInPlace(Kernel.LINEAR_BACKWARD_DW, params, dy, x, dw);
      } else {
        graph.kernelInPlace(Kernel.LINEAR_BACKWARD_DW, params, dy, x, dw, db);
      }
      return;
    }
    if (dw != null) {
      graph.addInPlace(dw, graph.outProd(x, dy));
    }
    if (db != null) {
      graph.addInPlace(db, graph.columnSums(dy));
    }
  }

  /** {@code dx = dy W}: {@code (tokens, out)} to {@code (tokens, in)}. */
  Tensor inputGradient(Graph graph, Tensor dy) {
    var w = weight.value();
    Inputs.matrix("The gradient through " + weight.name(), w);
    Inputs.matrix("The gradient through " + weight.name(), dy, dy.rows(), w.rows());
    return graph.has(Kernel.LINEAR_BACKWARD_DX)
        ? graph.kernel(
            Kernel.LINEAR_BACKWARD_DX,
            KernelParams.none(),
            new long[] {dy.rows(), w.columns()},
            w,
            dy)
        : graph.outProd(w, graph.transpose(dy));
  }

  private void check(Graph graph, Tensor x, @Nullable Tensor residual) {
    var w = weight.value();
    Inputs.matrix("A linear layer", x);
    if (w.columns() != x.columns() || !w.isMatrix() || !graph.device().computes(w.type())) {
      throw new IllegalArgumentException(
          "Input " + x + " does not fit " + weight.name() + ", which is " + w + " (out, in)");
    }
    if (bias != null) {
      Inputs.vector(bias.name(), bias.value(), w.rows());
    }
    if (residual != null) {
      Inputs.matrix("The residual of " + weight.name(), residual, x.rows(), w.rows());
    }
  }

  private Tensor fused(
      Graph graph, Tensor x, @Nullable Tensor residual, @Nullable Activation activation) {
    var w = weight.value();
    var sources = new ArrayList<Tensor>();
    sources.add(w);
    sources.add(x);
    if (bias != null) {
      sources.add(bias.value());
    }
    if (residual != null) {
      sources.add(residual);
    }
    var params =
        KernelParams.none()
            .bias(bias != null)
            .residual(residual != null)
            .activation(activation == null ? KernelActivation.NONE : activation.kernel());
    var y =
        graph.kernel(
            Kernel.LINEAR_FORWARD,
            params,
            new long[] {x.rows(), w.rows()},
            sources.toArray(Tensor[]::new));
    graph.attachment(Latest.class, Latest::new).follow(graph, y, w);
    return y;
  }

  private Tensor stock(Graph graph, Tensor x, @Nullable Tensor residual) {
    var y = graph.mulMat(weight.value(), x);
    if (bias != null) {
      y = graph.add(y, bias.value());
    }
    return residual == null ? y : graph.add(residual, y);
  }

  /**
   * The latest product of a graph. While its threads wait for each other, its kernel prefetches the
   * first weights of the next product.
   */
  private static final class Latest {
    private @Nullable Tensor product;

    void follow(Graph graph, Tensor next, Tensor weights) {
      if (product != null) {
        graph.prefetch(product, weights);
      }
      product = next;
    }
  }
}
