package io.github.ggml4j.trainer;

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
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * Trains a model on documents. Changes the weights of the model in place, so the same model object
 * generates with the trained weights.
 *
 * <pre>{@code
 * Trainer.of(model, tokenizer)
 *     .batchSize(8).epochs(3).maxSequenceLength(128)
 *     .optimizer(AdamW.learningRate(5e-5)).schedule(LinearWarmup.steps(100))
 *     .progress(Progress.console())
 *     .saveTo(Path.of("my-model"))
 *     .fit(Datasets.folder(Path.of("src"), "*.java"));
 * }</pre>
 *
 * <p>The defaults are those of Hugging Face's {@code TrainingArguments}; {@code docs/defaults.md}
 * lists them. Each call of {@link #fit} starts a new training with a new optimizer state, unless it
 * {@linkplain #resume resumes} from a checkpoint. It checks all options before any work. With the
 * same seed, device and thread count, a training gives bit-identical results.
 *
 * <p>Interrupting the training thread, or ending the JVM (Ctrl-C), stops the training after the
 * current step. The model is then saved as usual, unless no step was done. Not thread-safe;
 * sessions of the model may generate during a training.
 */
public final class Trainer {
  /** Default of {@link #epochs}. */
  public static final int DEFAULT_EPOCHS = 3;

  /** Default of {@link #batchSize}. */
  public static final int DEFAULT_BATCH_SIZE = 8;

  /** Default of {@link #maxSequenceLength}, unless the model's {@code n_positions} is less. */
  public static final int DEFAULT_SEQUENCE_LENGTH = 128;

  /** Learning rate of the default {@link #optimizer}. */
  public static final double DEFAULT_LEARNING_RATE = 5e-5;

  /** Default of {@link #clipNorm}. */
  public static final double DEFAULT_CLIP_NORM = 1;

  /** Default of {@link #saveSteps}. */
  public static final long DEFAULT_SAVE_STEPS = 500;

  /** Default of {@link #saveTotalLimit}. */
  public static final int DEFAULT_SAVE_TOTAL_LIMIT = 2;

  /** Default of {@link #seed}. */
  public static final long DEFAULT_SEED = 42;

  private final Gpt2Model model;
  private final Tokenizer tokenizer;
  private int batchSize = DEFAULT_BATCH_SIZE;
  private OptionalInt epochs = OptionalInt.empty();
  private OptionalLong maxSteps = OptionalLong.empty();
  private OptionalInt maxSequenceLength = OptionalInt.empty();
  private Optimizer optimizer = AdamW.learningRate(DEFAULT_LEARNING_RATE);
  private Schedule schedule = LinearWarmup.steps(0);
  private double clipNorm = DEFAULT_CLIP_NORM;
  private int gradientAccumulationSteps = 1;
  private OptionalDouble dropout = OptionalDouble.empty();
  private boolean shuffle = true;
  private long seed = DEFAULT_SEED;
  private boolean packing;
  private Padding padding = Padding.MASKED;
  private TrainingListener progress = Progress.none();
  private final List<TrainingListener> listeners = new ArrayList<>();
  private @Nullable ModelOutput saveTo;
  private @Nullable Dataset evaluationData;
  private OptionalLong evalSteps = OptionalLong.empty();
  private boolean evalOnStart;
  private OptionalInt evalBatchSize = OptionalInt.empty();
  private List<String> samplePrompts = List.of();
  private OptionalInt earlyStoppingPatience = OptionalInt.empty();
  private OptionalDouble earlyStoppingThreshold = OptionalDouble.empty();
  private boolean saveBest;
  private @Nullable Path checkpoints;
  private OptionalLong saveSteps = OptionalLong.empty();
  private OptionalInt saveTotalLimit = OptionalInt.empty();
  private boolean resume;

  private Trainer(Gpt2Model model, Tokenizer tokenizer) {
    this.model = model;
    this.tokenizer = tokenizer;
  }

  /**
   * Creates a trainer. Each method names its default.
   *
   * @param model the model to train; the caller closes it
   * @param tokenizer the tokenizer of that model
   * @return the trainer
   */
  public static Trainer of(Gpt2Model model, Tokenizer tokenizer) {
    return new Trainer(model, tokenizer);
  }

  /**
   * Sequences in each batch; the last batch of an epoch may have fewer. Default 8.
   *
   * @param sequences at least 1
   * @return this
   */
  public Trainer batchSize(int sequences) {
    batchSize = sequences;
    return this;
  }

  /**
   * Passes over the data. Default 3, or as many as {@link #maxSteps} needs if that is set. If both
   * are set, training ends at the one that is reached first.
   *
   * @param passes at least 1
   * @return this
   */
  public Trainer epochs(int passes) {
    epochs = OptionalInt.of(passes);
    return this;
  }

  /**
   * Maximum number of optimizer steps. Not set by default.
   *
   * @param steps at least 1
   * @return this
   */
  public Trainer maxSteps(long steps) {
    maxSteps = OptionalLong.of(steps);
    return this;
  }

  /**
   * Maximum length of a sequence. Longer documents are truncated, with a warning; {@link #packing}
   * keeps all of their tokens. Default 128, or the model's {@code n_positions} if that is less.
   *
   * @param tokens 2 to the model's {@code n_positions}
   * @return this
   */
  public Trainer maxSequenceLength(int tokens) {
    maxSequenceLength = OptionalInt.of(tokens);
    return this;
  }

  /**
   * The optimizer, which also sets the base learning rate. Default {@code
   * AdamW.learningRate(5e-5)}.
   *
   * @param value AdamW or Sgd
   * @return this
   */
  public Trainer optimizer(Optimizer value) {
    optimizer = value;
    return this;
  }

  /**
   * How the learning rate changes. Default {@code LinearWarmup.steps(0)}: linearly down to 0 at the
   * last step.
   *
   * @param value for instance {@code LinearWarmup.steps(500)}
   * @return this
   */
  public Trainer schedule(Schedule value) {
    schedule = value;
    return this;
  }

  /**
   * Maximum global norm of the gradients; larger gradients are scaled down. Default 1.
   *
   * @param norm at least 0; 0 for no clipping
   * @return this
   */
  public Trainer clipNorm(double norm) {
    clipNorm = norm;
    return this;
  }

  /**
   * Number of batches whose gradients are accumulated for one update. The result equals that of one
   * large batch: the loss is the mean over all labels of all batches. Default 1.
   *
   * @param batches at least 1
   * @return this
   */
  public Trainer gradientAccumulationSteps(int batches) {
    gradientAccumulationSteps = batches;
    return this;
  }

  /**
   * One probability for all dropout layers. Default: the config's {@code embd_pdrop}, {@code
   * resid_pdrop} and {@code attn_pdrop}.
   *
   * @param probability in [0, 1)
   * @return this
   */
  public Trainer dropout(double probability) {
    dropout = OptionalDouble.of(probability);
    return this;
  }

  /**
   * Whether to shuffle the sequences in each epoch. Data of unknown length, or too large for
   * memory, is shuffled within a window of 1,000 sequences. Default true.
   *
   * @param value false keeps the order of the data
   * @return this
   */
  public Trainer shuffle(boolean value) {
    shuffle = value;
    return this;
  }

  /**
   * Seed of shuffling and dropout. Default 42.
   *
   * @param value any
   * @return this
   */
  public Trainer seed(long value) {
    seed = value;
    return this;
  }

  /**
   * Whether documents are concatenated, each after an end-of-text token, and split into blocks of
   * {@link #maxSequenceLength}. No token is discarded, and only the last block needs padding.
   * Default false: each document is one sequence.
   *
   * @param value true for blocks
   * @return this
   */
  public Trainer packing(boolean value) {
    packing = value;
    return this;
  }

  /**
   * How short documents are padded. Default {@link Padding#MASKED}.
   *
   * @param value masked or learned
   * @return this
   */
  public Trainer padding(Padding value) {
    padding = value;
    return this;
  }

  /**
   * Shows progress. A second call replaces the first. Default {@link Progress#none()}.
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
   * @param listener called in each training
   * @return this
   */
  public Trainer listener(TrainingListener listener) {
    listeners.add(listener);
    return this;
  }

  /**
   * Writes one line of JSON for each step: {@code step}, {@code epoch}, {@code loss}, {@code
   * learning_rate}, {@code grad_norm}, {@code tokens_per_second}.
   *
   * @param file replaced when a training starts; appended to when it resumes
   * @return this
   */
  public Trainer metrics(Path file) {
    return listener(new MetricsFile(file));
  }

  /**
   * Saves model and tokenizer at the end, also if the training was cancelled: as a Hugging Face
   * folder, or as a GGUF file if the name ends in {@code .gguf}. A training that fails, or that is
   * cancelled before its first step, saves nothing. By default nothing is saved.
   *
   * @param path a folder, which is created if it does not exist, or a file, which is replaced
   * @return this
   */
  public Trainer saveTo(Path path) {
    saveTo = new ModelOutput(path);
    return this;
  }

  /**
   * Evaluates the model on data that is not trained on: loss, perplexity and accuracy, without
   * dropout. By default at the end of each epoch; see {@link #evalSteps}. The data becomes
   * sequences as the training data does, in its order. By default there is no evaluation.
   *
   * @param data finite, read in each evaluation
   * @return this
   */
  public Trainer evaluate(Dataset data) {
    evaluationData = data;
    return this;
  }

  /**
   * Evaluates every so many steps instead of at the end of each epoch.
   *
   * @param steps at least 1
   * @return this
   */
  public Trainer evalSteps(long steps) {
    evalSteps = OptionalLong.of(steps);
    return this;
  }

  /**
   * Whether to evaluate also before the first step. Default false.
   *
   * @param value true evaluates
   * @return this
   */
  public Trainer evalOnStart(boolean value) {
    evalOnStart = value;
    return this;
  }

  /**
   * Sequences in each batch of an evaluation. Default {@link #batchSize}.
   *
   * @param sequences at least 1
   * @return this
   */
  public Trainer evalBatchSize(int sequences) {
    evalBatchSize = OptionalInt.of(sequences);
    return this;
  }

  /**
   * Continues prompts in each evaluation, by 40 tokens sampled with {@link #seed}: see {@link
   * EvaluationMetrics#samples}. Default none.
   *
   * @param prompts texts of at least one token
   * @return this
   */
  public Trainer samplePrompts(String... prompts) {
    samplePrompts = List.of(prompts);
    return this;
  }

  /**
   * Ends the training after this number of evaluations without improvement of the loss, as the
   * {@code EarlyStoppingCallback} of transformers. By default the training does not end early.
   *
   * @param evaluations at least 1
   * @return this
   */
  public Trainer earlyStoppingPatience(int evaluations) {
    earlyStoppingPatience = OptionalInt.of(evaluations);
    return this;
  }

  /**
   * How much lower than the best so far a loss must be to count as an improvement. Default 0.
   *
   * @param difference at least 0, in nats
   * @return this
   */
  public Trainer earlyStoppingThreshold(double difference) {
    earlyStoppingThreshold = OptionalDouble.of(difference);
    return this;
  }

  /**
   * Whether a completed training ends with the weights of the evaluation with the lowest loss
   * instead of the last ones: {@code load_best_model_at_end} of transformers. Needs {@link
   * #checkpoints}, of which the best is kept whatever the {@link #saveTotalLimit}. Default false.
   *
   * @param value true for the best
   * @return this
   */
  public Trainer saveBest(boolean value) {
    saveBest = value;
    return this;
  }

  /**
   * Writes checkpoints in the background: folders {@code checkpoint-STEP}, each with the model, the
   * state of the optimizer and the position in the data. A training that is interrupted, or whose
   * process ends at any time, can {@link #resume} from the newest. An interrupted training writes
   * one at once. By default there are no checkpoints.
   *
   * <p>A checkpoint appears whole or not at all. If it cannot be written, for instance because the
   * disk is full, a warning is logged and the training goes on.
   *
   * @param folder made if it does not exist. With AdamW a checkpoint is three times as large as the
   *     model in float32
   * @return this
   */
  public Trainer checkpoints(Path folder) {
    checkpoints = folder;
    return this;
  }

  /**
   * Number of steps from one checkpoint to the next. Default 500, as in transformers.
   *
   * @param steps at least 0; 0 writes one only when the training is interrupted
   * @return this
   */
  public Trainer saveSteps(long steps) {
    saveSteps = OptionalLong.of(steps);
    return this;
  }

  /**
   * Number of checkpoints to keep; older ones are deleted. Default 2; transformers keeps all.
   *
   * @param number at least 1
   * @return this
   */
  public Trainer saveTotalLimit(int number) {
    saveTotalLimit = OptionalInt.of(number);
    return this;
  }

  /**
   * Resumes from the newest sound checkpoint in the folder of {@link #checkpoints}, with the same
   * result as an uninterrupted training, to the last bit. Starts at the beginning if there is none.
   * Default false: an error if there is one.
   *
   * <p>A dataset from files resumes at its position. Any other dataset is read again from its start
   * up to that position.
   *
   * <p>Options that change the result must be the same. Data in memory must have the same tokens.
   * Streamed data is compared only if it is a {@link io.github.ggml4j.trainer.data.RowDataset}: by
   * its files, columns, filters and other settings. Any other stream must give the same documents
   * as before; that is not checked.
   *
   * <p>The same result needs the same kind of device and, on a CPU, the same number of threads. A
   * training may resume on another device or with another number of threads; a warning is logged
   * then.
   *
   * @param value whether to resume
   * @return this
   */
  public Trainer resume(boolean value) {
    resume = value;
    return this;
  }

  /**
   * Trains.
   *
   * @param dataset the documents
   * @return how it ended
   * @throws io.github.ggml4j.error.InvalidArgumentException if an option does not fit the model,
   *     another option or the checkpoint
   * @throws IllegalArgumentException if no document has at least two tokens
   * @throws io.github.ggml4j.trainer.error.DatasetException if the data cannot be read
   * @throws TrainingException if the loss or the gradients are not finite
   * @throws io.github.ggml4j.tensor.OutOfDeviceMemoryException if the device has too little memory;
   *     before the first step if the estimate already exceeds it
   * @throws java.io.UncheckedIOException if the model, the metrics or the checkpoint cannot be
   *     written
   */
  public TrainingResult fit(Dataset dataset) {
    TrainingOptions options = options();
    options.check(model.config(), tokenizer);
    if (saveTo != null) {
      saveTo.check(model.config());
    }
    if (checkpoints != null) {
      CheckpointSaver.checkFolder(checkpoints, options.checkpoints());
    }
    TrainingListener all = new Listeners(progress, listeners);
    try (Cancellation cancellation = new Cancellation()) {
      Sequences sequences =
          Sequences.of(dataset, tokenizer, options, Sequences.heapLimit(), cancellation::requested);
      MemoryEstimate memory = estimate(options, sequences);
      memory.check();
      TrainingPlan plan = TrainingRun.plan(options, sequences.count(), memory);
      TrainingResult result;
      try (TrainingEngine engine =
              new TrainingEngine(model, options.update().optimizer(), settings(options));
          CheckpointSaver saver = saver(options, engine, sequences, plan)) {
        result =
            new TrainingRun(
                    options,
                    engine,
                    sequences,
                    plan,
                    tokenizer.padTokenId(),
                    all,
                    cancellation,
                    evaluator(options, engine, cancellation),
                    saver)
                .run();
      }
      result = save(result); // after the engine is closed, because saving takes memory
      all.onTrainEnd(result);
      return result;
    } catch (RuntimeException | Error e) {
      all.onFailure(e);
      throw e;
    }
  }

  private @Nullable Evaluator evaluator(
      TrainingOptions options, TrainingEngine engine, Cancellation cancellation) {
    Dataset data = options.evaluation().dataset();
    if (data == null) {
      return null;
    }
    Sequences sequences =
        Sequences.of(
            data,
            tokenizer,
            options.forEvaluation(),
            Sequences.heapLimit(),
            cancellation::requested);
    return new Evaluator(engine, model, tokenizer, options, sequences, cancellation);
  }

  private @Nullable CheckpointSaver saver(
      TrainingOptions options, TrainingEngine engine, Sequences sequences, TrainingPlan plan) {
    Path folder = options.checkpoints().folder();
    return folder == null
        ? null
        : new CheckpointSaver(
            folder,
            options.checkpoints(),
            model,
            tokenizer,
            engine,
            TrainingIdentity.of(options, model.config(), sequences, plan.totalSteps()));
  }

  /**
   * Estimates the device memory for training: parameters, gradients, optimizer state, and one full
   * batch of sequences of maximum length. {@link #fit} makes the same check with its data before
   * the first step.
   *
   * @return the estimate, within 10 percent of the memory that is allocated later
   * @throws io.github.ggml4j.error.InvalidArgumentException if an option does not fit the model or
   *     another option
   */
  public MemoryEstimate estimateMemory() {
    TrainingOptions options = options();
    options.check(model.config(), tokenizer);
    return estimate(
        options, options.batches().batchSize(), options.sequences().maxSequenceLength());
  }

  /** Assumes sequences of maximum length if the data has unknown length. */
  private MemoryEstimate estimate(TrainingOptions options, Sequences sequences) {
    int batchSize = options.batches().batchSize();
    int longest = sequences.longest().orElse(options.sequences().maxSequenceLength());
    long count = sequences.count().orElse(batchSize);
    return estimate(
        options,
        Math.clamp(count, 1, batchSize), // 0 if reading was interrupted
        Batch.paddedLength(longest, options.sequences()));
  }

  private MemoryEstimate estimate(TrainingOptions options, int batch, int length) {
    return TrainingEngine.estimate(
        model, options.update().optimizer(), settings(options), batch, length);
  }

  private TrainingOptions options() {
    int defaultLength = Math.min(DEFAULT_SEQUENCE_LENGTH, model.config().nPositions());
    return new TrainingOptions(
        new LengthOptions(epochs, maxSteps),
        new BatchOptions(batchSize, gradientAccumulationSteps, shuffle),
        new SequenceOptions(maxSequenceLength.orElse(defaultLength), packing, padding),
        new UpdateOptions(optimizer, schedule, clipNorm, dropout),
        new EvaluationOptions(
            evaluationData,
            evalSteps,
            evalOnStart,
            evalBatchSize,
            samplePrompts,
            earlyStoppingPatience,
            earlyStoppingThreshold,
            saveBest),
        new CheckpointOptions(checkpoints, saveSteps, saveTotalLimit, resume),
        seed);
  }

  private TrainingEngine.Settings settings(TrainingOptions options) {
    return TrainingEngine.Settings.of(model.config(), options.seed(), options.update().dropout());
  }

  private TrainingResult save(TrainingResult result) {
    if (saveTo == null || result.steps() == 0) {
      return result;
    }
    saveTo.save(model, tokenizer);
    return result.withSavedTo(saveTo.path());
  }
}
