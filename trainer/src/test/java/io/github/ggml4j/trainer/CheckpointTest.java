package io.github.ggml4j.trainer;

import static java.nio.file.StandardOpenOption.WRITE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.ggml4j.Ggml4j;
import io.github.ggml4j.error.InvalidArgumentException;
import io.github.ggml4j.inference.InferenceSession;
import io.github.ggml4j.io.Models;
import io.github.ggml4j.model.Gpt2Model;
import io.github.ggml4j.tensor.Graph;
import io.github.ggml4j.tensor.Tensor;
import io.github.ggml4j.trainer.data.Dataset;
import io.github.ggml4j.trainer.data.DatasetPosition;
import io.github.ggml4j.trainer.data.Datasets;
import io.github.ggml4j.trainer.data.DocumentReader;
import io.github.ggml4j.trainer.internal.checkpoint.Checkpoint;
import io.github.ggml4j.trainer.internal.checkpoint.Checkpoints;
import io.github.ggml4j.trainer.optim.AdamW;
import io.github.ggml4j.trainer.optim.Optimizer;
import io.github.ggml4j.trainer.optim.ParameterVector;
import io.github.ggml4j.trainer.optim.Sgd;
import io.github.ggml4j.trainer.optim.StateSpec;
import io.github.ggml4j.trainer.optim.UpdateStep;
import io.github.ggml4j.trainer.schedule.ConstantWarmup;
import io.github.ggml4j.trainer.schedule.LinearWarmup;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** A resumed training has the same result as an uninterrupted one. */
class CheckpointTest {
  private static final int STEPS = 9;

  @TempDir private Path temp;

  /** A streamed table that counts how often it is read from its start. */
  private static final class Streamed implements Dataset {
    private final Dataset table;
    private final AtomicInteger opened = new AtomicInteger();

    Streamed(Dataset table) {
      this.table = table;
    }

    @Override
    public DocumentReader open() {
      opened.incrementAndGet();
      return table.open();
    }

    @Override
    public DocumentReader resume(DatasetPosition position) {
      return table.resume(position);
    }

    @Override
    public Stream<String> documents() {
      throw new AssertionError("It has positions");
    }
  }

  enum Case {
    IN_MEMORY,
    STREAM,
    STREAM_IN_ORDER,
    SHUFFLED_TABLE,
    PACKED,
    WITHOUT_POSITIONS
  }

  private Dataset data(Case which) throws IOException {
    var lines = temp.resolve("lines.txt");
    try (Stream<String> documents = TestModels.documents(40).documents()) {
      Files.write(lines, documents.toList());
    }
    var table = Datasets.load("text", lines);
    return switch (which) {
      case IN_MEMORY -> table;
      case SHUFFLED_TABLE -> new Streamed(table.shuffle(7, 3));
      case WITHOUT_POSITIONS -> () -> TestModels.documents(40).documents();
      default -> new Streamed(table);
    };
  }

  /** A step has two batches, an epoch five steps. */
  private static Trainer trainer(Gpt2Model model, Case which) {
    return Trainer.of(model, TestModels.tokenizer())
        .maxSequenceLength(which == Case.PACKED ? 24 : 64)
        .optimizer(AdamW.learningRate(1e-3))
        .schedule(ConstantWarmup.steps(2))
        .batchSize(4)
        .gradientAccumulationSteps(2)
        .dropout(0.1)
        .shuffle(which != Case.STREAM_IN_ORDER)
        .packing(which == Case.PACKED)
        .maxSteps(STEPS);
  }

  private Trainer resuming(Trainer trainer) {
    return trainer.checkpoints(temp.resolve("run")).resume(true);
  }

  private record Outcome(List<StepMetrics> steps, String logits, TrainingResult result) {}

  private static Outcome train(
      Case which, Dataset data, int stopAfter, UnaryOperator<Trainer> change) {
    List<StepMetrics> steps = new ArrayList<>();
    TrainingListener recorder =
        new TrainingListener() {
          @Override
          public void onStepEnd(StepMetrics step, TrainerControl control) {
            steps.add(step);
            if (step.step() == stopAfter) {
              Thread.currentThread().interrupt();
            }
          }
        };
    try (var model = TestModels.odd()) {
      var result = change.apply(trainer(model, which).listener(recorder)).fit(data);
      assertThat(Thread.interrupted()).isEqualTo(result.cancelled());
      return new Outcome(
          steps, Arrays.toString(InferenceSession.logits(model, 1, 2, 3)[2]), result);
    }
  }

  private static List<List<Double>> numbers(List<StepMetrics> steps) {
    return steps.stream()
        .map(s -> List.of((double) s.step(), s.epoch(), s.loss(), s.learningRate(), s.gradNorm()))
        .toList();
  }

  @ParameterizedTest
  @EnumSource
  void resumesWithTheSameResult(Case which) throws IOException {
    var whole = train(which, data(which), 0, t -> t);
    var folder = temp.resolve("run");
    var data = data(which);
    List<StepMetrics> steps = new ArrayList<>();
    UnaryOperator<Trainer> options = t -> resuming(t).metrics(temp.resolve("metrics.jsonl"));
    for (int stopAfter : new int[] {3, 5, 6}) { // 5 is the end of a pass
      steps.addAll(train(which, data, stopAfter, options).steps());
      assertThat(folder.resolve("checkpoint-" + stopAfter)).isDirectory();
    }
    var last = train(which, data, 0, options);
    steps.addAll(last.steps());
    assertThat(numbers(steps)).isEqualTo(numbers(whole.steps()));
    assertThat(last.logits()).isEqualTo(whole.logits());
    assertThat(last.result().steps()).isEqualTo(STEPS);
    assertThat(last.result().firstLoss()).isEqualTo(whole.result().firstLoss());
    assertThat(last.result().meanLoss()).isEqualTo(whole.result().meanLoss());
    assertThat(last.result().tokens()).isEqualTo(whole.result().tokens());
    assertThat(last.result().checkpoint()).isEmpty();
    assertThat(Files.readAllLines(temp.resolve("metrics.jsonl"))).hasSize(STEPS);
    if (data instanceof Streamed streamed) {
      assertThat(streamed.opened.get()).as("passes from the start").isLessThanOrEqualTo(2);
    }
  }

  @Test
  void sequencesOfAnUnfinishedStepAreKept() throws IOException {
    var plain = data(Case.STREAM_IN_ORDER);
    var whole = train(Case.STREAM_IN_ORDER, plain, 0, t -> t);
    var read = new AtomicInteger();
    Dataset stopping =
        () ->
            TestModels.documents(40)
                .documents()
                .peek(_ -> {
                  if (read.incrementAndGet() == 20) { // The third step reads 17 to 24
                    Thread.currentThread().interrupt();
                  }
                });
    var first = train(Case.STREAM_IN_ORDER, stopping, 0, t -> resuming(t));
    assertThat(first.steps()).hasSize(2);
    var second = train(Case.STREAM_IN_ORDER, stopping, 0, t -> resuming(t));
    List<StepMetrics> steps = new ArrayList<>(first.steps());
    steps.addAll(second.steps());
    assertThat(numbers(steps)).isEqualTo(numbers(whole.steps()));
  }

  /** A change of options, and what the error says about it. */
  private record Change(UnaryOperator<Trainer> options, List<String> message) {
    Change(UnaryOperator<Trainer> options, String... message) {
      this(options, List.of(message));
    }
  }

  private static List<Change> changes() {
    var adamW = AdamW.learningRate(1e-3);
    return List.of(
        new Change(t -> t.batchSize(2), "batchSize is 2, expected 4 as in the"),
        new Change(
            t -> t.gradientAccumulationSteps(1),
            "gradientAccumulationSteps is 1, expected 2 as in the"),
        new Change(t -> t.maxSequenceLength(32), "maxSequenceLength is 32, expected 64 as in the"),
        new Change(t -> t.packing(true), "packing is true, expected false as in the"),
        new Change(
            t -> t.padding(Padding.LEARNED), "padding is LEARNED, expected MASKED as in the"),
        new Change(t -> t.shuffle(false), "shuffle is false, expected true as in the"),
        new Change(t -> t.seed(5), "seed is 5, expected 42 as in the"),
        new Change(t -> t.clipNorm(2), "clipNorm is 2.0, expected 1.0 as in the"),
        new Change(
            t -> t.dropout(0),
            "dropout is embd 0.0, resid 0.0, attn 0.0, expected embd 0.1, resid 0.1, attn 0.1 as in the"),
        new Change(
            t -> t.optimizer(AdamW.learningRate(2e-3)),
            "optimizer.learningRate is 0.002, expected 0.001 as in the"),
        new Change(
            t -> t.optimizer(adamW.weightDecay(0.1)),
            "optimizer.weightDecay is 0.1, expected 0.0 as in the"),
        new Change(
            t -> t.optimizer(adamW.betas(0.8, 0.999)),
            "optimizer.beta1 is 0.8, expected 0.9 as in the"),
        new Change(
            t -> t.schedule(ConstantWarmup.steps(3)),
            "schedule.warmup is 3 steps, expected 2 steps as in the"),
        new Change(
            t -> t.optimizer(Sgd.learningRate(1e-3)), "optimizer is Sgd, expected AdamW as in the"),
        new Change(
            t -> t.schedule(LinearWarmup.steps(2)),
            "schedule is LinearWarmup, expected ConstantWarmup as in the",
            "Also, maxSteps was not set and is now 9. Use the earlier values"),
        new Change(
            t -> t.schedule((step, total) -> 1),
            "schedule is a custom schedule, checksum",
            "expected ConstantWarmup as in",
            "schedule.warmup was 2 steps and is now not set."));
  }

  @Test
  void differentOptionsAreRefusedByName() throws IOException {
    var folder = temp.resolve("run");
    var data = data(Case.STREAM);
    train(Case.STREAM, data, 2, t -> resuming(t));
    for (var change : changes()) {
      assertThatThrownBy(
              () -> train(Case.STREAM, data, 0, t -> change.options().apply(resuming(t))))
          .as(change.message().getFirst())
          .isInstanceOf(InvalidArgumentException.class)
          .hasMessageContaining(folder.toString())
          .hasMessageContainingAll(change.message().toArray(String[]::new));
    }
  }

  /** An optimizer that is not a record. */
  private static final class Own implements Optimizer {
    private final Sgd sgd;

    Own(double learningRate, double momentum) {
      this.sgd = Sgd.learningRate(learningRate).momentum(momentum);
    }

    @Override
    public double learningRate() {
      return sgd.learningRate();
    }

    @Override
    public List<StateSpec> state(List<ParameterVector.Slice> slices) {
      return sgd.state(slices);
    }

    @Override
    public Consumer<UpdateStep> addUpdate(
        Graph graph, ParameterVector parameters, Map<String, Tensor> state) {
      return sgd.addUpdate(graph, parameters, state);
    }
  }

  @Test
  void anOptimizerThatIsNoRecordIsComparedByWhatItTells() throws IOException {
    var folder = temp.resolve("run");
    var data = data(Case.STREAM);
    UnaryOperator<Trainer> options = t -> resuming(t);
    train(Case.STREAM, data, 2, t -> options.apply(t).optimizer(new Own(1e-3, 0)));
    assertThatThrownBy(
            () -> train(Case.STREAM, data, 0, t -> options.apply(t).optimizer(new Own(2e-3, 0.9))))
        .hasMessageContainingAll(
            "optimizer.learningRate is 0.002, expected 0.001 as in the interrupted training ("
                + folder,
            "Also, optimizer.stateNames was [] and is now [momentum_buffer].");
    assertThat(
            train(Case.STREAM, data, 0, t -> options.apply(t).optimizer(new Own(1e-3, 0))).steps())
        .hasSize(STEPS - 2);
  }

  @Test
  void anotherPrecisionIsRefused() throws IOException {
    var data = data(Case.STREAM);
    train(Case.STREAM, data, 2, t -> resuming(t));
    Ggml4j.setFloat32MatmulPrecision("high");
    try {
      assertThatThrownBy(() -> train(Case.STREAM, data, 0, t -> resuming(t)))
          .hasMessageContaining("float32MatmulPrecision is high, expected highest as in");
    } finally {
      Ggml4j.setFloat32MatmulPrecision("highest");
    }
  }

  @Test
  void anotherDeviceIsAWarning() throws IOException {
    var data = data(Case.STREAM);
    train(Case.STREAM, data, 2, this::resuming);
    var state = temp.resolve("run/checkpoint-2/trainer_state.json");
    var device = TestModels.deviceName();
    replace(state, "\"" + device + "\"", "\"cpu (99 threads)\"");
    assertThat(LogMessages.of(Checkpoint.class, () -> train(Case.STREAM, data, 0, this::resuming)))
        .singleElement()
        .asString()
        .contains("was written on device cpu (99 threads) and is resumed on " + device);
  }

  /** Changes a file of a checkpoint, and its checksum with it. */
  private static void replace(Path file, String from, String to) throws IOException {
    var text = Files.readString(file);
    assertThat(text).contains(from);
    Files.writeString(file, text.replace(from, to));
    var checksums = file.resolveSibling("checksums.json");
    var json = (ObjectNode) JsonMapper.shared().readTree(Files.readString(checksums));
    var crc = new CRC32C();
    crc.update(Files.readAllBytes(file));
    ((ObjectNode) json.get("files").get(file.getFileName().toString()))
        .put("bytes", Files.size(file))
        .put("crc32c", crc.getValue());
    Files.writeString(checksums, json.toString());
  }

  @Test
  void onlyDifferencesAreNamed() throws IOException {
    var folder = temp.resolve("run");
    var data = data(Case.STREAM);
    train(Case.STREAM, data, 2, t -> resuming(t));
    assertThatThrownBy(() -> train(Case.STREAM, data, 0, t -> resuming(t).seed(5)))
        .hasMessage(
            "seed is 5, expected 42 as in the interrupted training ("
                + folder.resolve("checkpoint-2")
                + "). Use the earlier value, or delete the checkpoints to start again");
  }

  @Test
  void theOptionThatChangesTheNumberOfStepsIsNamed() throws IOException {
    var data = data(Case.IN_MEMORY);
    UnaryOperator<Trainer> options = t -> resuming(t).schedule(LinearWarmup.steps(0));
    train(Case.IN_MEMORY, data, 1, t -> options.apply(t).maxSteps(100).epochs(2));
    assertThatThrownBy(
            () -> train(Case.IN_MEMORY, data, 0, t -> options.apply(t).maxSteps(100).epochs(3)))
        .hasMessageStartingWith("epochs is 3, expected 2 as in the interrupted training");
    assertThatThrownBy(
            () -> train(Case.IN_MEMORY, data, 0, t -> options.apply(t).maxSteps(7).epochs(2)))
        .hasMessageStartingWith("maxSteps is 7, expected not set as in")
        .hasMessageContaining("Also, epochs was 2 and is now not set.");
  }

  @Test
  void otherDataIsRefused() throws IOException {
    train(Case.IN_MEMORY, Datasets.of("abcd", "efgh", "ijkl"), 1, t -> resuming(t));
    assertThatThrownBy(
            () -> train(Case.IN_MEMORY, Datasets.of("abcd", "efgh", "ijkX"), 0, t -> resuming(t)))
        .hasMessageStartingWith("data is 3 sequences, checksum ")
        .hasMessageContaining(", expected 3 sequences, checksum ");
  }

  @Test
  void maxStepsMayChangeUnlessTheScheduleUsesThem() throws IOException {
    var data = data(Case.STREAM);
    train(Case.STREAM, data, 2, t -> resuming(t));
    assertThat(train(Case.STREAM, data, 0, t -> resuming(t).maxSteps(11)).steps()).hasSize(9);
    deleteAll(temp.resolve("run"));
    UnaryOperator<Trainer> linear = t -> resuming(t).schedule(LinearWarmup.steps(2));
    train(Case.STREAM, data, 2, linear);
    assertThatThrownBy(() -> train(Case.STREAM, data, 0, t -> linear.apply(t).maxSteps(11)))
        .hasMessageContaining("maxSteps is 11, expected 9 as in");
  }

  @Test
  void aResumedTrainingReportsItsStepAndTotalTime() throws IOException {
    var folder = temp.resolve("run");
    var data = data(Case.STREAM);
    var first = train(Case.STREAM, data, 3, t -> resuming(t)).result();
    assertThat(first.checkpoint()).contains(folder.resolve("checkpoint-3"));
    var bytes = new ByteArrayOutputStream();
    var lines = Progress.lines(new PrintStream(bytes, true, StandardCharsets.UTF_8));
    var stopped = train(Case.STREAM, data, 4, t -> resuming(t).progress(lines)).result();
    assertThat(bytes.toString(StandardCharsets.UTF_8)).startsWith("resuming after step 3");
    assertThat(stopped.duration()).isGreaterThan(first.duration());
    var again = train(Case.STREAM, data, 5, t -> resuming(t)).result();
    assertThat(again.duration()).isGreaterThan(stopped.duration());
  }

  @Test
  void theOneBeforeADamagedCheckpointIsUsed() throws IOException {
    var data = data(Case.STREAM);
    var whole = train(Case.STREAM, data, 0, t -> t);
    var run = temp.resolve("run");
    UnaryOperator<Trainer> saving = t -> resuming(t).saveSteps(2);
    for (var damage : damages()) {
      train(Case.STREAM, data, 5, saving);
      assertThat(names(run)).containsExactly("checkpoint-4", "checkpoint-5");
      damage.accept(run.resolve("checkpoint-5"));
      var messages =
          LogMessages.of(
              Checkpoints.class,
              () ->
                  assertThat(train(Case.STREAM, data, 0, saving).logits())
                      .isEqualTo(whole.logits()));
      assertThat(messages)
          .singleElement()
          .asString()
          .contains(run.resolve("checkpoint-5") + " is not sound: ")
          .endsWith("Resuming from " + run.resolve("checkpoint-4"));
      deleteAll(run);
    }
  }

  private interface Damage {
    void accept(Path checkpoint) throws IOException;
  }

  private static List<Damage> damages() {
    return List.of(
        folder -> flip(folder.resolve("model.safetensors")),
        folder -> flip(folder.resolve("optimizer.safetensors")),
        folder -> flip(folder.resolve("data.position")),
        folder -> Files.writeString(folder.resolve("trainer_state.json"), "{}"),
        folder -> Files.delete(folder.resolve("data.position")),
        folder -> Files.delete(folder.resolve("checksums.json")),
        folder -> Files.writeString(folder.resolve("checksums.json"), "{\"version\": 1"),
        folder -> Files.writeString(folder.resolve("checksums.json"), "{\"version\": 2}"),
        folder -> {
          try (var file = FileChannel.open(folder.resolve("model.safetensors"), WRITE)) {
            file.truncate(file.size() / 2);
          }
        });
  }

  private static void flip(Path file) throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    bytes[bytes.length / 2] ^= 1;
    Files.write(file, bytes);
  }

  private static List<String> names(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  private static void deleteAll(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }

  @Test
  void damagedCheckpointsAloneAreRefused() throws IOException {
    var data = data(Case.STREAM);
    train(Case.STREAM, data, 2, this::resuming);
    flip(temp.resolve("run/checkpoint-2/model.safetensors"));
    assertThatThrownBy(() -> train(Case.STREAM, data, 0, this::resuming))
        .isInstanceOf(InvalidArgumentException.class)
        .hasMessageContainingAll(
            temp.resolve("run").toString(),
            "model.safetensors has another checksum",
            "Delete them to start again");
  }

  @Test
  void aNewTrainingDoesNotReplaceCheckpoints() throws IOException {
    var data = data(Case.STREAM);
    train(Case.STREAM, data, 2, this::resuming);
    assertThatThrownBy(() -> train(Case.STREAM, data, 0, t -> resuming(t).resume(false)))
        .isInstanceOf(InvalidArgumentException.class)
        .hasMessageContainingAll("It has one of step 2", "Set resume to go on from it");
    assertThatThrownBy(() -> train(Case.STREAM, data, 0, t -> t.saveSteps(3)))
        .hasMessageContaining("saveSteps is set, expected not set without checkpoints");
  }

  @Test
  void theNewestAreKept() throws IOException {
    var run = temp.resolve("run");
    train(Case.IN_MEMORY, data(Case.IN_MEMORY), 1, this::resuming);
    Files.createDirectories(run.resolve("checkpoint-0")); // of another program: no checksums
    train(Case.IN_MEMORY, data(Case.IN_MEMORY), 0, t -> resuming(t).saveSteps(2).saveTotalLimit(3));
    assertThat(names(run))
        .containsExactly("checkpoint-0", "checkpoint-4", "checkpoint-6", "checkpoint-8");
    Files.createDirectories(run.resolve(".checkpoint-9.tmp"));
    Files.writeString(run.resolve(".checkpoint-9.tmp/model.safetensors"), "half");
    var again = train(Case.IN_MEMORY, data(Case.IN_MEMORY), 0, this::resuming);
    assertThat(again.steps()).hasSize(1);
    assertThat(names(run)).doesNotContain(".checkpoint-9.tmp");
  }

  @Test
  void aCheckpointIsAModel() throws IOException {
    var data = data(Case.IN_MEMORY);
    var stopped = train(Case.IN_MEMORY, data, 2, this::resuming);
    try (var model = Models.load(temp.resolve("run/checkpoint-2"))) {
      assertThat(Arrays.toString(InferenceSession.logits(model, 1, 2, 3)[2]))
          .isEqualTo(stopped.logits());
    }
    assertThat(names(temp.resolve("run/checkpoint-2")))
        .contains("config.json", "tokenizer.json", "optimizer.safetensors");
  }

  @Test
  void aFailedCheckpointDoesNotEndTheTraining() throws IOException {
    var data = data(Case.STREAM);
    var whole = train(Case.STREAM, data, 0, t -> t);
    Files.writeString(temp.resolve("run"), "a file where the folder should be");
    var messages =
        LogMessages.of(
            Checkpoints.class,
            () ->
                assertThat(train(Case.STREAM, data, 0, t -> resuming(t).saveSteps(4)).logits())
                    .isEqualTo(whole.logits()));
    assertThat(messages)
        .hasSize(2)
        .allMatch(
            message -> message.contains("Cannot write a checkpoint in " + temp.resolve("run")));
  }
}
