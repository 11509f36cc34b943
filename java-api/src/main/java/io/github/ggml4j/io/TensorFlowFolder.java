package io.github.ggml4j.io;

import io.github.ggml4j.format.ModelFormatException;
import io.github.ggml4j.format.internal.Json;
import io.github.ggml4j.format.tensorflow.TensorFlowCheckpoint;
import io.github.ggml4j.format.tensorflow.TensorFlowTensor;
import io.github.ggml4j.internal.Names;
import io.github.ggml4j.io.CheckedWeights.LinearLayout;
import io.github.ggml4j.model.Gpt2Config;
import io.github.ggml4j.model.WeightSource;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A folder as OpenAI published GPT-2: {@code hparams.json} and a checkpoint of TensorFlow. Names
 * and shapes of the variables: {@code src/model.py} of OpenAI's gpt-2.
 */
final class TensorFlowFolder {
  static final String HPARAMS = "hparams.json";
  static final String CHECKPOINT = "checkpoint";
  static final String PREFIX = "model.ckpt";
  static final String INDEX = ".index";
  private static final String VARIABLES = "model/";
  private static final long MAX_CHECKPOINT_FILE = 1 << 20;

  /** Of a path on the machine that wrote it, the name: printable, as every file system takes it. */
  private static final Pattern LATEST =
      Pattern.compile(
          "(?m)^\\s*model_checkpoint_path:\\s*\"(?:[^\"\\n]*[/\\\\])?([ -~&&[^\"/\\\\:*?<>|]]+)\"");

  private TensorFlowFolder() {}

  static Gpt2Config config(Path folder) {
    Path file = folder.resolve(HPARAMS);
    Map<String, @Nullable Object> hparams = Json.readObject(file);
    int vocabulary = size(file, hparams, "n_vocab");
    try {
      return Gpt2Config.builder()
          .vocabSize(vocabulary)
          .nPositions(size(file, hparams, "n_ctx"))
          .nEmbd(size(file, hparams, "n_embd"))
          .nHead(size(file, hparams, "n_head"))
          .nLayer(size(file, hparams, "n_layer"))
          .bosTokenId(vocabulary - 1) // <|endoftext|> is the last of OpenAI's tokens
          .eosTokenId(vocabulary - 1)
          .build();
    } catch (IllegalArgumentException e) {
      throw new ModelFormatException(file + ": " + e.getMessage() + ". Fetch it again.", e);
    }
  }

  static WeightSource weights(Path folder, Gpt2Config config) {
    TensorFlowCheckpoint checkpoint = TensorFlowCheckpoint.open(prefix(folder));
    try {
      return weights(checkpoint, folder.toString(), config);
    } catch (RuntimeException e) {
      checkpoint.close();
      throw e;
    }
  }

  /** The weights of a checkpoint, which is closed with them. */
  static WeightSource weights(TensorFlowCheckpoint checkpoint, String source, Gpt2Config config) {
    Map<String, CheckedWeights.Stored> tensors = new HashMap<>();
    checkpoint
        .tensors()
        .forEach((name, tensor) -> {
          if (!isOptimizerState(checkpoint, name)) {
            tensors.put(name, stored(checkpoint, name, tensor));
          }
        });
    return new CheckedWeights(
        source,
        config,
        LinearLayout.IN_OUT,
        tensors,
        spec -> variable(spec.name()),
        checkpoint::close);
  }

  /**
   * Optimizers store {@code model/wte/Adam} beside {@code model/wte}, and others without a prefix.
   */
  private static boolean isOptimizerState(TensorFlowCheckpoint checkpoint, String name) {
    return !name.startsWith(VARIABLES)
        || checkpoint.tensors().containsKey(name.substring(0, name.lastIndexOf('/')));
  }

  /** {@code h.0.attn.c_attn.weight} is {@code model/h0/attn/c_attn/w}. */
  static String variable(String name) {
    int dot = name.lastIndexOf('.');
    String base = name.substring(0, dot);
    boolean weight = name.endsWith(".weight");
    if (base.equals("wte") || base.equals("wpe")) {
      return VARIABLES + base;
    }
    boolean norm = base.contains("ln_");
    String path = base.startsWith("h.") ? "h" + base.substring(2) : base;
    return VARIABLES + path.replace('.', '/') + (weight ? norm ? "/g" : "/w" : "/b");
  }

  private static CheckedWeights.Stored stored(
      TensorFlowCheckpoint checkpoint, String variable, TensorFlowTensor tensor) {
    long[] shape = tensor.shape();
    if (shape.length == 3 && shape[0] == 1) { // the width of a convolution over one token
      shape = Arrays.copyOfRange(shape, 1, 3);
    }
    return new CheckedWeights.Stored(tensor.dtype(), shape, () -> checkpoint.data(variable));
  }

  /** The checkpoint that the file {@code checkpoint} calls the latest, else OpenAI's name. */
  private static Path prefix(Path folder) {
    String latest = latest(folder.resolve(CHECKPOINT));
    for (String name : new String[] {latest, PREFIX}) {
      if (!name.isEmpty() && Files.exists(folder.resolve(name + INDEX))) {
        return folder.resolve(name);
      }
    }
    throw ModelFormatException.of(
        folder.toString(),
        "has " + HPARAMS + " and no index of a checkpoint",
        (latest.isEmpty() || latest.equals(PREFIX) ? "" : Names.quote(latest + INDEX) + " or ")
            + PREFIX
            + INDEX,
        "Download the checkpoint's .index and .data files into the folder.");
  }

  private static String latest(Path file) {
    try {
      if (!Files.exists(file) || Files.size(file) > MAX_CHECKPOINT_FILE) {
        return "";
      }
      Matcher matcher = LATEST.matcher(Files.readString(file, StandardCharsets.ISO_8859_1));
      return matcher.find() && !matcher.group(1).startsWith("..") ? matcher.group(1) : "";
    } catch (IOException e) {
      throw new UncheckedIOException(file + ": cannot be read: " + e.getMessage(), e);
    }
  }

  private static int size(Path file, Map<String, @Nullable Object> hparams, String key) {
    if (!(hparams.get(key) instanceof Long value) || value < 1 || value > Integer.MAX_VALUE) {
      throw ModelFormatException.of(
          file.toString(),
          key + " is " + Names.quote(String.valueOf(hparams.get(key))),
          "a whole number above 0",
          "Fetch the file again or correct it.");
    }
    return value.intValue();
  }
}
