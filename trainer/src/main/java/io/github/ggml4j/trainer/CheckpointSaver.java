package io.github.ggml4j.trainer;

import io.github.ggml4j.error.InvalidArgumentException;
import io.github.ggml4j.io.Models;
import io.github.ggml4j.model.Gpt2Model;
import io.github.ggml4j.tokenizer.Tokenizer;
import io.github.ggml4j.trainer.internal.checkpoint.Checkpoint;
import io.github.ggml4j.trainer.internal.checkpoint.Checkpoints;
import io.github.ggml4j.trainer.internal.checkpoint.Snapshot;
import io.github.ggml4j.trainer.internal.engine.TrainingEngine;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.SequencedMap;
import tools.jackson.databind.json.JsonMapper;

/** Saves a training as checkpoints, and restores it from the newest one. */
final class CheckpointSaver implements AutoCloseable {
  private final Checkpoints checkpoints;
  private final boolean resume;
  private final Gpt2Model model;
  private final TrainingEngine engine;
  private final Map<String, byte[]> modelFiles;
  private final SequencedMap<String, String> identity;

  /**
   * Creates a saver.
   *
   * @param identity the options that a resumed training must have, by name
   */
  CheckpointSaver(
      Path folder,
      CheckpointOptions options,
      Gpt2Model model,
      Tokenizer tokenizer,
      TrainingEngine engine,
      SequencedMap<String, String> identity) {
    int limit = options.saveTotalLimit().orElse(Trainer.DEFAULT_SAVE_TOTAL_LIMIT);
    this.checkpoints = new Checkpoints(folder, OptionalInt.of(limit));
    this.resume = options.resume();
    this.model = model;
    this.engine = engine;
    this.modelFiles = Models.otherFiles(model, tokenizer);
    this.identity = identity;
  }

  /**
   * Refuses to start a new training over the checkpoints of an earlier one, which it would delete
   * one by one.
   */
  static void checkFolder(Path folder, CheckpointOptions options) {
    var steps = new Checkpoints(folder, OptionalInt.empty()).steps();
    if (!options.resume() && !steps.isEmpty()) {
      throw new InvalidArgumentException(
          "checkpoints",
          folder,
          "a folder without checkpoints of an earlier training",
          "It has one of step "
              + steps.getFirst()
              + ". Set {resume} to go on from it, or delete its checkpoints to start again");
    }
  }

  /**
   * Restores the newest sound checkpoint, if the training is to resume and there is one.
   *
   * @param state receives how far the training was
   */
  void restore(TrainerState state) {
    checkpoints.deleteLeftOvers();
    Optional<Checkpoint> newest = resume ? checkpoints.newest() : Optional.empty();
    newest.ifPresent(checkpoint -> {
      checkpoint.checkOptions(identity, model.device().toString());
      state.restore(checkpoint.state());
      state.position(checkpoint.position());
      checkpoint.restore(model, engine.optimizerState());
      var counters = checkpoint.state().path("ggml4j");
      engine.resume(counters.path("batches").asLong(), counters.path("updates").asLong());
    });
  }

  /**
   * Begins to write a checkpoint; a failure is a warning.
   *
   * @param position position in the data; empty at the begin of an epoch
   * @return the folder that it will have
   */
  Path save(TrainerState state, byte[] position) {
    if (state.bestStep() > 0) {
      checkpoints.best(state.bestStep());
    }
    checkpoints.save(snapshot(state, position));
    return checkpoints.path(state.globalStep());
  }

  /**
   * Gives the model the weights of the best evaluation. If they cannot be read, a warning is logged
   * and the model keeps its weights.
   */
  void restoreBest(TrainerState state) {
    checkpoints.awaitWritten();
    if (state.bestStep() > 0 && state.bestStep() != state.globalStep()) {
      checkpoints.sound(state.bestStep()).ifPresent(best -> best.restoreWeights(model));
    }
  }

  /**
   * Writes a checkpoint, and waits until it is on disk.
   *
   * @return its folder
   * @throws java.io.UncheckedIOException if it cannot be written
   */
  Path saveNow(TrainerState state, byte[] position) {
    Path newest = checkpoints.path(state.globalStep());
    if (checkpoints.awaitWritten().filter(newest::equals).isPresent()) {
      return newest;
    }
    save(state, position);
    return checkpoints.written().orElseThrow();
  }

  /** Waits until the weights and the optimizer's state may change. */
  void awaitRead() {
    checkpoints.awaitRead();
  }

  private Snapshot snapshot(TrainerState state, byte[] position) {
    var json = JsonMapper.shared().createObjectNode();
    state.save(json);
    var own = json.withObject("/ggml4j");
    own.put("batches", engine.batches());
    own.put("updates", engine.updates());
    own.put("device", model.device().toString());
    var options = own.putObject("options");
    identity.forEach(options::put);
    return new Snapshot(
        state.globalStep(), model, modelFiles, engine.optimizerState(), json, position);
  }

  @Override
  public void close() {
    checkpoints.close();
  }
}
