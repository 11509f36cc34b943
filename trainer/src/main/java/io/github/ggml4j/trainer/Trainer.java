package io.github.ggml4j.trainer;

import io.github.ggml4j.model.Gpt2Config;
import io.github.ggml4j.model.Gpt2Model;
import io.github.ggml4j.tensor.MemoryEstimate;
import io.github.ggml4j.tokenizer.Tokenizer;
import io.github.ggml4j.trainer.data.Dataset;
import io.github.ggml4j.trainer.internal.engine.TrainingEngine;
import io.github.ggml4j.trainer.optim.AdamW;
import io.github.ggml4j.trainer.optim.Optimizer;
import io.github.ggml4j.trainer.schedule.LinearWarmup;
import io.github.ggml4j.trainer.schedule.Schedule;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * Trains a model on documents; the model's own weights change, so that it generates with them at
 * once.
 *
 * <pre>{@code
 * Trainer.of(model, tokenizer)
 *     .batchSize(8).epochs(5).maxSequenceLength(128)
 *     .optimizer(AdamW.learningRate(3e-5)).schedule(LinearWarmup.steps(500))
 *     .progress(Progress.console())
 *     .saveTo(Path.of("my-model"))
 *     .fit(Datasets.folder(Path.of("src"), "*.java"));
 * }</pre>
 *
 * <p>Each call of {@link #fit} is a training of its own with a fresh optimizer, unless it goes on
 * from a {@link #checkpoint}. All values are checked there, before any work. Same seed, device and
 * thread count repeat a training to the last bit.
 *
 * <p>Interrupting the training thread, or ending the JVM (Ctrl-C), stops after the running step;
 * the model is saved as at the end. Not thread-safe; sessions of the model may generate meanwhile.
 */
public final class Trainer {
  private static final int USUAL_SEQUENCE_LENGTH = 128;

  private final Gpt2Model model;
  private final Tokenizer tokenizer;
  private int batchSize = 8;
  private OptionalInt epochs = OptionalInt.empty();
  private OptionalLong maxSteps = OptionalLong.empty();
  private int maxSequenceLength;
  private Optimizer optimizer = AdamW.learningRate(3e-5);
  private Schedule schedule = LinearWarmup.steps(0);
  private double clipNorm = 1;
  private int gradientAccumulationSteps = 1;
  private OptionalDouble dropout = OptionalDouble.empty();
  private boolean shuffle = true;
  private long seed = 42;
  private boolean packing;
  private Padding padding = Padding.MASKED;
  private TrainingListener progress = Progress.none();
  private final List<TrainingListener> listeners = new ArrayList<>();
  private @Nullable ModelOutput saveTo;
  private @Nullable Checkpoint checkpoint;

  private Trainer(Gpt2Model model, Tokenizer tokenizer) {
    this.model = model;
    this.tokenizer = tokenizer;
    this.maxSequenceLength = Math.min(USUAL_SEQUENCE_LENGTH, model.config().nPositions());
  }

  /**
   * A trainer with the defaults that stand at each method.
   *
   * @param model what to train; stays the caller's
   * @param tokenizer the tokenizer of that model
   * @return the trainer
   */
  public static Trainer of(Gpt2Model model, Tokenizer tokenizer) {
    return new Trainer(model, tokenizer);
  }

  /**
   * Sequences in each batch; the last batch of a pass may have fewer. Default 8.
   *
   * @param sequences at least 1
   * @return this
   */
  public Trainer batchSize(int sequences) {
    batchSize = sequences;
    return this;
  }

  /**
   * Passes over the data. Default 1, or as many as {@link #maxSteps} needs where that is set; where
   * both are, training ends at whichever comes first.
   *
   * @param passes at least 1
   * @return this
   */
  public Trainer epochs(int passes) {
    epochs = OptionalInt.of(passes);
    return this;
  }

  /**
   * Most optimizer steps. Not set by default.
   *
   * @param steps at least 1
   * @return this
   */
  public Trainer maxSteps(long steps) {
    maxSteps = OptionalLong.of(steps);
    return this;
  }

  /**
   * Longest sequence; longer documents are cut, unless {@link #packing} keeps all of them. Default
   * 128, or the model's {@code n_positions} if that is less.
   *
   * @param tokens 2 to the model's {@code n_positions}
   * @return this
   */
  public Trainer maxSequenceLength(int tokens) {
    maxSequenceLength = tokens;
    return this;
  }

  /**
   * How weights follow their gradients, and the base learning rate. Default {@code
   * AdamW.learningRate(3e-5)}.
   *
   * @param value AdamW or Sgd
   * @return this
   */
  public Trainer optimizer(Optimizer value) {
    optimizer = value;
    return this;
  }

  /**
   * The course of the learning rate. Default {@code LinearWarmup.steps(0)}: linearly down to 0 at
   * the last step.
   *
   * @param value for instance {@code LinearWarmup.steps(500)}
   * @return this
   */
  public Trainer schedule(Schedule value) {
    schedule = value;
    return this;
  }

  /**
   * Gradients whose global norm is larger are scaled down to it. Default 1.
   *
   * @param norm at least 0; 0 is no clipping
   * @return this
   */
  public Trainer clipNorm(double norm) {
    clipNorm = norm;
    return this;
  }

  /**
   * Batches whose gradients make one update, weighed by their labels as if they were one large
   * batch. Default 1.
   *
   * @param batches at least 1
   * @return this
   */
  public Trainer gradientAccumulationSteps(int batches) {
    gradientAccumulationSteps = batches;
    return this;
  }

  /**
   * One probability for all dropouts. By default those of the model's config hold.
   *
   * @param probability in [0, 1)
   * @return this
   */
  public Trainer dropout(double probability) {
    dropout = OptionalDouble.of(probability);
    return this;
  }

  /**
   * Whether each pass has a new order. Data of unknown length, or too long for memory, is shuffled
   * within a window of 1,000 sequences. Default true.
   *
   * @param value false keeps the order of the data
   * @return this
   */
  public Trainer shuffle(boolean value) {
    shuffle = value;
    return this;
  }

  /**
   * Seed of order and dropout. Default 42.
   *
   * @param value any
   * @return this
   */
  public Trainer seed(long value) {
    seed = value;
    return this;
  }

  /**
   * Whether documents are put together, each with the end-of-text token in front, and cut into
   * blocks of {@link #maxSequenceLength}, so that nothing is cut off and hardly anything is
   * padding. Default false: each document is a sequence of its own.
   *
   * @param value true for blocks
   * @return this
   */
  public Trainer packing(boolean value) {
    packing = value;
    return this;
  }

  /**
   * What becomes of the places behind short documents. Default {@link Padding#MASKED}.
   *
   * @param value masked or learned
   * @return this
   */
  public Trainer padding(Padding value) {
    padding = value;
    return this;
  }

  /**
   * Shows progress; replaces an earlier choice. Default {@link Progress#none()}.
   *
   * @param value for instance {@link Progress#console()}
   * @return this
   */
  public Trainer progress(TrainingListener value) {
    progress = value;
    return this;
  }

  /**
   * Adds a listener.
   *
   * @param listener watches each training
   * @return this
   */
  public Trainer listener(TrainingListener listener) {
    listeners.add(listener);
    return this;
  }

  /**
   * Writes a line of JSON for each step: {@code step}, {@code epoch}, {@code loss}, {@code
   * learning_rate}, {@code grad_norm}, {@code tokens_per_second}.
   *
   * @param file replaced when training starts
   * @return this
   */
  public Trainer metrics(Path file) {
    return listener(new MetricsFile(file));
  }

  /**
   * Saves model and tokenizer at the end, also when training is cancelled: as a Hugging Face
   * folder, or as a GGUF file when the name ends in {@code .gguf}. A training that fails saves
   * nothing. By default nothing is saved.
   *
   * @param path a folder, made if it does not exist, or a file, replaced if it does
   * @return this
   */
  public Trainer saveTo(Path path) {
    saveTo = new ModelOutput(path);
    return this;
  }

  /**
   * Where a training that is cancelled goes on: then this file is written, with weights, optimizer
   * state and the place in the data, and a training with the same values and data begins there, as
   * if it had never stopped. It is removed at the end. Datasets from files are not read again up to
   * there, others are. By default nothing is kept, and a training begins anew.
   *
   * @param file takes three times the model's size in float32 with AdamW
   * @return this
   */
  public Trainer checkpoint(Path file) {
    checkpoint = new Checkpoint(file);
    return this;
  }

  /**
   * Trains.
   *
   * @param dataset the documents
   * @return how it ended
   * @throws IllegalArgumentException when a value does not fit the model, another value or the
   *     {@link #checkpoint}, or the data has nothing to learn from
   * @throws io.github.ggml4j.trainer.error.DatasetException when the data cannot be read
   * @throws TrainingException when the loss or the gradients are no longer finite
   * @throws io.github.ggml4j.tensor.OutOfDeviceMemoryException when the device has not enough
   *     memory, before the first step as far as that can be known
   * @throws java.io.UncheckedIOException when the model or the metrics cannot be written
   */
  public TrainingResult fit(Dataset dataset) {
    TrainingOptions options = options();
    options.check(model.config(), tokenizer);
    if (saveTo != null) {
      saveTo.check(model.config());
    }
    TrainingListener all = new Listeners(progress, listeners);
    try (Cancellation cancellation = new Cancellation()) {
      Sequences sequences =
          Sequences.of(dataset, tokenizer, options, Sequences.heapLimit(), cancellation::requested);
      checkMemory(options, sequences);
      try (TrainingEngine engine = new TrainingEngine(model, optimizer, settings(options))) {
        TrainingRun run =
            new TrainingRun(options, engine, sequences, tokenizer.padTokenId(), all, cancellation);
        var identity = options.identity(model.config(), sequences.count());
        Checkpoint goingOn = checkpoint;
        if (goingOn != null && !cancellation.requested()) {
          goingOn.restore(identity, run, engine);
        }
        TrainingResult result = run.run();
        if (goingOn != null && run.canGoOn()) {
          goingOn.save(identity, run, engine);
        }
        result = save(result);
        if (goingOn != null && !result.cancelled()) {
          goingOn.delete();
        }
        all.finished(result);
        return result;
      }
    } catch (RuntimeException | Error e) {
      all.failed(e);
      throw e;
    }
  }

  /**
   * What the training takes of the device's memory: parameters, gradients, optimizer state, and
   * what a whole batch of the longest sequences needs. {@link #fit} fails before its first step
   * when that does not fit.
   *
   * @return the estimate, within 10 percent of what is then allocated
   * @throws IllegalArgumentException when a value does not fit the model or another value
   */
  public MemoryEstimate estimateMemory() {
    TrainingOptions options = options();
    options.check(model.config(), tokenizer);
    return estimate(options, options.batchSize(), options.maxSequenceLength());
  }

  /**
   * Data whose sequences are not known beforehand is taken to have the longest that are allowed.
   */
  private void checkMemory(TrainingOptions options, Sequences sequences) {
    int longest = sequences.longest().orElse(options.maxSequenceLength());
    long count = sequences.count().orElse(options.batchSize());
    if (count > 0) {
      estimate(
              options,
              (int) Math.min(options.batchSize(), count),
              Batch.paddedLength(longest, options))
          .check();
    }
  }

  private MemoryEstimate estimate(TrainingOptions options, int batch, int length) {
    return TrainingEngine.estimate(model, options.optimizer(), settings(options), batch, length);
  }

  private TrainingOptions options() {
    return new TrainingOptions(
        batchSize,
        epochs,
        maxSteps,
        maxSequenceLength,
        optimizer,
        schedule,
        clipNorm,
        gradientAccumulationSteps,
        dropout,
        shuffle,
        seed,
        packing,
        padding);
  }

  private TrainingEngine.Settings settings(TrainingOptions options) {
    Gpt2Config config = model.config();
    return new TrainingEngine.Settings(
        options.seed(),
        (float) options.dropout().orElse(config.embdPdrop()),
        (float) options.dropout().orElse(config.residPdrop()),
        (float) options.dropout().orElse(config.attnPdrop()));
  }

  private TrainingResult save(TrainingResult result) {
    ModelOutput output = saveTo;
    if (output == null) {
      return result;
    }
    output.save(model, tokenizer);
    return new TrainingResult(
        result.steps(),
        result.epochs(),
        result.firstLoss(),
        result.lastLoss(),
        result.meanLoss(),
        result.tokens(),
        result.duration(),
        result.cancelled(),
        Optional.of(output.path()));
  }
}
