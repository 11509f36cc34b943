package io.github.ggml4j.trainer.internal.checkpoint;

import io.github.ggml4j.error.InvalidArgumentException;
import io.github.ggml4j.format.ModelFormatException;
import io.github.ggml4j.format.safetensors.SafetensorsFile;
import io.github.ggml4j.io.ModelFiles;
import io.github.ggml4j.model.Gpt2Model;
import io.github.ggml4j.model.WeightSource;
import io.github.ggml4j.tensor.Tensor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.SequencedMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * A sound checkpoint: a folder that holds a training between two steps.
 *
 * <ul>
 *   <li>{@code model.safetensors}, {@code config.json} and the tokenizer: a model that loads like
 *       any other
 *   <li>{@code optimizer.safetensors}: the state vectors of the optimizer
 *   <li>{@code trainer_state.json}: counters of the training with the names of transformers; under
 *       {@code ggml4j}, its options and what only ggml4j reads
 *   <li>{@code data.position}: the position in the data; absent at the begin of an epoch
 *   <li>{@code checksums.json}: size and CRC-32C of all these files; written last
 * </ul>
 *
 * @param folder the folder
 * @param state the content of {@code trainer_state.json}
 */
public record Checkpoint(Path folder, ObjectNode state) {
  /** Version of the format, in {@code checksums.json}. */
  static final int VERSION = 1;

  static final String CHECKSUMS = "checksums.json";
  static final String STATE = "trainer_state.json";
  static final String OPTIMIZER = "optimizer.safetensors";
  static final String POSITION = "data.position";

  /** Thrown for a folder that is no sound checkpoint. */
  static final class DamagedException extends Exception {
    private static final long serialVersionUID = 1;

    DamagedException(String message) {
      super(message);
    }
  }

  /**
   * Opens a folder after comparing all its files with their checksums.
   *
   * @throws DamagedException if a file is missing or differs, or the folder is of another program
   *     or version
   * @throws UncheckedIOException if a file cannot be read
   */
  static Checkpoint open(Path folder) throws DamagedException {
    var checksums = readJson(folder.resolve(CHECKSUMS));
    int version = checksums.path("version").asInt(0);
    if (version != VERSION) {
      throw new DamagedException(
          CHECKSUMS + " has version " + version + ", expected " + VERSION + " of this program");
    }
    for (var entry : checksums.path("files").properties()) {
      var expected =
          new FileEntry(
              entry.getValue().path("bytes").asLong(-1),
              entry.getValue().path("crc32c").asLong(-1));
      check(folder.resolve(entry.getKey()).normalize(), folder, expected);
    }
    if (!(readJson(folder.resolve(STATE)) instanceof ObjectNode state)) {
      throw new DamagedException(STATE + " is not a JSON object");
    }
    return new Checkpoint(folder, state);
  }

  private static void check(Path file, Path folder, FileEntry expected) throws DamagedException {
    if (!folder.normalize().equals(file.getParent())) {
      throw new DamagedException(CHECKSUMS + " names " + file + ", which is not in the folder");
    }
    try {
      var found = FileEntry.of(file);
      if (!found.equals(expected)) {
        throw new DamagedException(
            file.getFileName()
                + (found.bytes() == expected.bytes()
                    ? " has another checksum"
                    : " has " + found.bytes() + " bytes, expected " + expected.bytes()));
      }
    } catch (NoSuchFileException e) {
      throw new DamagedException(file.getFileName() + " is missing");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static JsonNode readJson(Path file) throws DamagedException {
    try {
      return JsonMapper.shared().readTree(Files.readAllBytes(file));
    } catch (NoSuchFileException e) {
      throw new DamagedException(file.getFileName() + " is missing");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (JacksonException e) {
      throw new DamagedException(file.getFileName() + " is not JSON");
    }
  }

  /**
   * Checks that the training has the same options as the one that wrote the checkpoint. Logs a
   * warning if it was on another device.
   *
   * @param options of this training, by name
   * @param device of this training, with its number of threads
   * @throws InvalidArgumentException naming the options that differ
   */
  public void checkOptions(SequencedMap<String, String> options, String device) {
    var own = state.path("ggml4j");
    var differing = new LinkedHashSet<>(options.keySet());
    own.path("options").propertyNames().forEach(differing::add);
    differing.removeIf(name -> saved(name).equals(options.getOrDefault(name, NOT_SET)));
    if (!differing.isEmpty()) {
      throw differ(differing, options);
    }
    var savedDevice = own.path("device").asString("");
    if (!savedDevice.equals(device)) {
      System.getLogger(Checkpoint.class.getName())
          .log(
              System.Logger.Level.WARNING,
              "The checkpoint "
                  + folder
                  + " was written on device "
                  + savedDevice
                  + " and is resumed on "
                  + device
                  + ". The result may differ slightly from that of a training that was not"
                  + " interrupted");
    }
  }

  private static final String NOT_SET = "not set";

  private String saved(String name) {
    return state.path("ggml4j").path("options").path(name).asString(NOT_SET);
  }

  private InvalidArgumentException differ(
      LinkedHashSet<String> differing, Map<String, String> options) {
    var first = differing.removeFirst();
    var others =
        differing.stream()
            .map(name ->
                "{%s} was %s and is now %s"
                    .formatted(name, saved(name), options.getOrDefault(name, NOT_SET)))
            .collect(Collectors.joining(", "));
    return new InvalidArgumentException(
        first,
        options.getOrDefault(first, NOT_SET),
        saved(first) + " as in the interrupted training (" + folder + ")",
        (others.isEmpty() ? "" : "Also, " + others + ". ")
            + "Use the earlier "
            + (others.isEmpty() ? "value" : "values")
            + ", or delete the checkpoints to start again");
  }

  /** The position in the data; null at the begin of an epoch. */
  public byte @Nullable [] position() {
    try {
      return Files.readAllBytes(folder.resolve(POSITION));
    } catch (NoSuchFileException e) {
      return null;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * Copies weights and optimizer state to a training.
   *
   * @param model its weights are trainable
   * @param optimizer vectors of the optimizer's state by name
   * @throws ModelFormatException if they are of another model or optimizer
   */
  public void restore(Gpt2Model model, Map<String, Tensor> optimizer) {
    restoreWeights(model);
    restoreOptimizer(optimizer);
  }

  /**
   * Copies the weights to a model.
   *
   * @param model its weights are trainable
   * @throws ModelFormatException if they are of another model
   */
  public void restoreWeights(Gpt2Model model) {
    try (var files = ModelFiles.open(folder);
        WeightSource weights = files.weights()) {
      int threads = model.device().threads();
      model
          .tensors()
          .forEach((name, tensor) -> {
            var data = weights.data(name);
            if (weights.info(name).transposed()) {
              tensor.setTransposed(data, threads);
            } else {
              tensor.set(data);
            }
          });
    }
  }

  private void restoreOptimizer(Map<String, Tensor> optimizer) {
    try (var file = SafetensorsFile.open(folder.resolve(OPTIMIZER))) {
      if (!file.tensors().keySet().equals(optimizer.keySet())) {
        throw new ModelFormatException(
            folder.resolve(OPTIMIZER)
                + ": has the state "
                + file.tensors().keySet()
                + ", expected "
                + optimizer.keySet());
      }
      optimizer.forEach((name, tensor) -> {
        var data = file.data(name);
        if (data.byteSize() != tensor.bytes()) {
          throw new ModelFormatException(
              "%s: %s has %d bytes, expected %d"
                  .formatted(folder.resolve(OPTIMIZER), name, data.byteSize(), tensor.bytes()));
        }
        tensor.set(data);
      });
    }
  }
}
