package io.github.ggml4j.benchmarks;

import io.github.ggml4j.inference.InferenceSession;
import io.github.ggml4j.io.ModelExport;
import io.github.ggml4j.io.Models;
import io.github.ggml4j.model.Gpt2Config;
import io.github.ggml4j.model.Gpt2Model;
import io.github.ggml4j.tensor.DType;
import io.github.ggml4j.tensor.Device;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;

/**
 * The model for all measurements: random weights in the shape of GPT-2 124M, in the same files for
 * ggml4j and PyTorch, and logits that the CPU computed with them.
 *
 * <p>{@code f32} and {@code bf16} are Hugging Face folders, {@code logits.f32} the little-endian
 * logits of the position of the last of {@link #tokens}.
 */
final class ReferenceModel {
  private static final int CHECKED = 64;
  private static final long SEED = 42;

  /** Largest difference, as a fraction of the norm of the logits, for F32 weights. */
  private static final double TOLERANCE = 1e-3;

  private ReferenceModel() {}

  /** Arguments: {@code make FOLDER SIZE} or {@code compare FOLDER DEVICE}. */
  public static void main(String[] args) throws IOException {
    var folder = Path.of(args[1]);
    if (args[0].equals("make")) {
      make(folder, args[2]);
    } else {
      compare(folder, args[2]);
    }
  }

  static Gpt2Config config(String size) {
    return switch (size) {
      case "124m" -> Gpt2Config.builder().build();
      case "tiny" -> Gpt2Config.builder().nLayer(2).nEmbd(64).nHead(4).nPositions(256).build();
      default -> throw new IllegalArgumentException("size is " + size + ", expected 124m or tiny");
    };
  }

  /** The tokens whose logits are compared. */
  static int[] tokens(int vocabSize) {
    var tokens = new int[CHECKED];
    Arrays.setAll(tokens, i -> (i * 7919 + 13) % vocabSize);
    return tokens;
  }

  private static void make(Path folder, String size) throws IOException {
    try (var model = Gpt2Model.random(config(size), Device.cpu(), SEED)) {
      Models.save(model, folder.resolve("f32"), ModelExport.builder().type(DType.F32).build());
      Models.save(model, folder.resolve("bf16"), ModelExport.builder().type(DType.BF16).build());
      var logits = last(model);
      var bytes = ByteBuffer.allocate(4 * logits.length).order(ByteOrder.LITTLE_ENDIAN);
      bytes.asFloatBuffer().put(logits);
      Files.write(folder.resolve("logits.f32"), bytes.array());
      System.out.printf(
          Locale.ROOT,
          "GPT-2 with random weights: %d layers, %d wide, %,d parameters",
          model.config().nLayer(),
          model.config().nEmbd(),
          model.parameterCount());
    }
  }

  private static void compare(Path folder, String device) throws IOException {
    var expected =
        ByteBuffer.wrap(Files.readAllBytes(folder.resolve("logits.f32")))
            .order(ByteOrder.LITTLE_ENDIAN)
            .asFloatBuffer();
    try (var model = Models.load(folder.resolve("f32"), Device.open(device, 0))) {
      var actual = last(model);
      double difference = 0;
      double norm = 0;
      for (int i = 0; i < actual.length; i++) {
        difference += Math.pow((double) actual[i] - expected.get(i), 2);
        norm += Math.pow(expected.get(i), 2);
      }
      double error = Math.sqrt(difference / norm);
      System.out.printf(Locale.ROOT, "%.1e", error);
      if (!(error <= TOLERANCE)) {
        System.err.printf(
            Locale.ROOT, "logits differ by %.1e of their norm, expected %.0e%n", error, TOLERANCE);
        System.exit(1);
      }
    }
  }

  private static float[] last(Gpt2Model model) {
    var tokens = tokens(model.config().vocabSize());
    try (var session = InferenceSession.open(model, tokens.length)) {
      session.step(new int[] {session.newSequence()}, new int[][] {tokens});
      var logits = new float[session.vocabSize()];
      session.logits(0, logits);
      return logits;
    }
  }
}
