package io.github.ggml4j.trainer;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.ggml4j.inference.InferenceSession;
import io.github.ggml4j.io.Models;
import io.github.ggml4j.model.Gpt2Model;
import io.github.ggml4j.trainer.data.Dataset;
import io.github.ggml4j.trainer.data.Datasets;
import io.github.ggml4j.trainer.optim.AdamW;
import io.github.ggml4j.trainer.optim.Sgd;
import io.github.ggml4j.trainer.schedule.ConstantWarmup;
import io.github.ggml4j.trainer.schedule.LinearWarmup;
import io.github.ggml4j.trainer.schedule.Schedule;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.assertj.core.data.Offset;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.json.JsonMapper;

/** Whole trainings of a small model. */
class TrainerTest {
  @TempDir private Path temp;

  /** The steps of a training. */
  private static final class Recorder implements TrainingListener {
    final List<StepMetrics> steps = new ArrayList<>();

    @Override
    public void onStepEnd(StepMetrics step, TrainerControl control) {
      steps.add(step);
    }

    List<Double> losses() {
      return steps.stream().map(StepMetrics::loss).toList();
    }
  }

  private static Trainer trainer(Gpt2Model model) {
    return Trainer.of(model, TestModels.tokenizer())
        .epochs(1)
        .maxSequenceLength(64)
        .optimizer(AdamW.learningRate(1e-3));
  }

  private static List<StepMetrics> train(UnaryOperator<Trainer> change, Dataset data) {
    var recorder = new Recorder();
    try (var model = TestModels.odd()) {
      change.apply(trainer(model).listener(recorder)).fit(data);
    }
    return recorder.steps;
  }

  private static List<Double> losses(UnaryOperator<Trainer> change, Dataset data) {
    return train(change, data).stream().map(StepMetrics::loss).toList();
  }

  @Test
  void learns() {
    var documents = TestModels.documents(40);
    try (var model = TestModels.odd()) {
      var recorder = new Recorder();
      var result =
          trainer(model)
              .epochs(4)
              .schedule(LinearWarmup.steps(3))
              .listener(recorder)
              .fit(documents);
      assertThat(result.steps()).isEqualTo(20);
      assertThat(result.epochs()).isEqualTo(4);
      assertThat(result.cancelled()).isFalse();
      assertThat(result.savedTo()).isEmpty();
      assertThat(result.firstLoss()).isEqualTo(recorder.losses().getFirst());
      assertThat(result.lastLoss()).isEqualTo(recorder.losses().getLast());
      assertThat(result.lastLoss()).isLessThan(0.7 * result.firstLoss());
      assertThat(recorder.steps.getFirst().learningRate()).isZero();
      assertThat(recorder.steps.get(3).learningRate()).isEqualTo(1e-3);
      assertThat(recorder.steps.getLast().learningRate())
          .isCloseTo(1e-3 / 17, Offset.offset(1e-12));
      assertThat(recorder.steps.get(4).epoch()).isEqualTo(1);
      // The model uses its new weights at once: the loss on the same data is lower.
      assertThat(trainer(model).maxSteps(1).fit(documents).firstLoss())
          .isLessThan(0.7 * result.firstLoss());
    }
  }

  @Test
  void isBitIdenticalWhenRepeated() {
    UnaryOperator<Trainer> change = t -> t.epochs(2).dropout(0.1).seed(3);
    var first = losses(change, TestModels.documents(20));
    assertThat(losses(change, TestModels.documents(20))).isEqualTo(first);
    assertThat(losses(t -> change.apply(t).seed(4), TestModels.documents(20))).isNotEqualTo(first);
  }

  @Test
  void accumulatedBatchesEqualOneLargeBatch() {
    var documents = TestModels.documents(32);
    var large = train(t -> t.batchSize(8).epochs(2), documents);
    var small = train(t -> t.batchSize(2).gradientAccumulationSteps(4).epochs(2), documents);
    assertThat(small).hasSameSizeAs(large);
    for (int i = 0; i < large.size(); i++) {
      assertThat(small.get(i).loss()).isCloseTo(large.get(i).loss(), Offset.offset(1e-5));
      assertThat(small.get(i).gradNorm()).isCloseTo(large.get(i).gradNorm(), Offset.offset(1e-4));
    }
  }

  @Test
  void maskedPaddingChangesNothing() {
    // Each document alone, and both in a batch in which the shorter one is padded.
    var both = losses(t -> t.batchSize(2).maxSteps(1), Datasets.of("abcdefghij", "klm".repeat(12)));
    double first = losses(t -> t.maxSteps(1), Datasets.of("abcdefghij")).getFirst();
    double second = losses(t -> t.maxSteps(1), Datasets.of("klm".repeat(12))).getFirst();
    assertThat(both.getFirst()).isCloseTo((first * 9 + second * 35) / 44, Offset.offset(1e-5));
  }

  @Test
  void learnedPaddingCounts() {
    var learned =
        train(t -> t.padding(Padding.LEARNED).maxSteps(1), Datasets.of("abcdefghij", "x"));
    assertThat(learned.getFirst().tokens()).isEqualTo(2 * 64);
  }

  @Test
  void packsDocuments() {
    var steps =
        train(t -> t.packing(true).batchSize(2), Datasets.of("a".repeat(100), "b".repeat(90)));
    // 1 + 100 + 1 + 90 tokens are three blocks of 64.
    assertThat(steps).extracting(StepMetrics::tokens).containsExactly(128L, 64L);
  }

  @Test
  void streamsWithoutAnEnd() {
    var endless = Datasets.stream(() -> Stream.iterate(1, i -> i + 1).map(i -> "document " + i));
    var steps = train(t -> t.maxSteps(5).schedule(LinearWarmup.steps(2)), endless);
    assertThat(steps).hasSize(5);
    var same = train(t -> t.maxSteps(5).schedule(LinearWarmup.steps(2)), endless);
    assertThat(same.getLast().loss()).isEqualTo(steps.getLast().loss());
    // The number of steps is unknown: the rate is constant after the warmup.
    var finite = Datasets.stream(() -> Stream.of("one document", "another document"));
    var rates =
        train(t -> t.epochs(4).batchSize(1).schedule(LinearWarmup.steps(2)), finite).stream()
            .map(StepMetrics::learningRate);
    assertThat(rates).containsExactly(0.0, 5e-4, 1e-3, 1e-3, 1e-3, 1e-3, 1e-3, 1e-3);
  }

  @Test
  void dataTooLargeForMemoryIsStreamed() {
    var options = options();
    var sequences =
        Sequences.of(TestModels.documents(30), TestModels.tokenizer(), options, 100, () -> false);
    assertThat(sequences.count()).isEmpty();
    int count = 0;
    try (var pass = sequences.open(0)) {
      while (pass.next() != null) {
        count++;
      }
    }
    assertThat(count).isEqualTo(30);
  }

  private static TrainingOptions options() {
    return new TrainingOptions(
        new LengthOptions(OptionalInt.empty(), OptionalLong.empty()),
        new BatchOptions(8, 1, true),
        new SequenceOptions(64, false, Padding.MASKED),
        new UpdateOptions(Sgd.learningRate(0.1), Schedule.constant(), 1, OptionalDouble.empty()),
        new EvaluationOptions(
            null,
            OptionalLong.empty(),
            false,
            OptionalInt.empty(),
            List.of(),
            OptionalInt.empty(),
            OptionalDouble.empty(),
            false),
        new CheckpointOptions(null, OptionalLong.empty(), OptionalInt.empty(), false),
        1);
  }

  @Test
  void shufflesEachEpochAnew() {
    var sequences =
        Sequences.of(
            TestModels.documents(30), TestModels.tokenizer(), options(), 1 << 20, () -> false);
    assertThat(lengths(sequences, 0)).isEqualTo(lengths(sequences, 0));
    assertThat(lengths(sequences, 0)).isNotEqualTo(lengths(sequences, 1));
    assertThat(lengths(sequences, 0)).containsExactlyInAnyOrderElementsOf(lengths(sequences, 1));
  }

  private static List<Integer> lengths(Sequences sequences, int epoch) {
    var lengths = new ArrayList<Integer>();
    try (var pass = sequences.open(epoch)) {
      for (var next = pass.next(); next != null; next = pass.next()) {
        lengths.add(next.length);
      }
    }
    return lengths;
  }

  @Test
  void sgdLearns() {
    var steps =
        train(
            t -> t.optimizer(Sgd.learningRate(0.1).momentum(0.9)).schedule(ConstantWarmup.steps(2)),
            TestModels.documents(80));
    assertThat(steps.getLast().loss()).isLessThan(steps.getFirst().loss());
  }

  @Test
  void writesMetricsAndSaves() throws IOException {
    var metrics = temp.resolve("out").resolve("metrics.jsonl");
    var folder = temp.resolve("out");
    try (var model = TestModels.odd()) {
      var result =
          trainer(model).metrics(metrics).saveTo(folder).maxSteps(3).fit(TestModels.documents(20));
      assertThat(result.savedTo()).contains(folder);
      var lines = Files.readAllLines(metrics);
      assertThat(lines).hasSize(3);
      var last = JsonMapper.shared().readTree(lines.getLast());
      assertThat(last.propertyNames())
          .containsExactly(
              "step", "epoch", "loss", "learning_rate", "grad_norm", "tokens_per_second");
      assertThat(last.get("step").asInt()).isEqualTo(3);
      assertThat(last.get("loss").asDouble()).isEqualTo(result.lastLoss());
      try (var saved = Models.load(folder)) {
        assertThat(InferenceSession.logits(saved, 1, 2, 3))
            .isDeepEqualTo(InferenceSession.logits(model, 1, 2, 3));
      }
    }
  }

  @Test
  void interruptStopsAfterTheStepAndSaves() {
    var folder = temp.resolve("stopped");
    try (var model = TestModels.odd()) {
      var stopper =
          new TrainingListener() {
            @Override
            public void onStepEnd(StepMetrics step, TrainerControl control) {
              if (step.step() == 2) {
                Thread.currentThread().interrupt();
              }
            }
          };
      var result =
          trainer(model).listener(stopper).saveTo(folder).epochs(9).fit(TestModels.documents(40));
      assertThat(Thread.interrupted()).isTrue();
      assertThat(result.cancelled()).isTrue();
      assertThat(result.steps()).isEqualTo(2);
      try (var saved = Models.load(folder)) {
        assertThat(InferenceSession.logits(saved, 1, 2, 3))
            .isDeepEqualTo(InferenceSession.logits(model, 1, 2, 3));
      }
    }
  }

  @Test
  void interruptWhileReadingStops() throws IOException {
    var file = Files.writeString(temp.resolve("a.txt"), "some text to learn");
    for (boolean finite : new boolean[] {true, false}) {
      var text = Datasets.text(file);
      var data = finite ? text : Datasets.stream(text::documents);
      try (var model = TestModels.odd()) {
        Thread.currentThread().interrupt();
        var result = trainer(model).fit(data);
        assertThat(Thread.interrupted()).isTrue();
        assertThat(result.cancelled()).isTrue();
        assertThat(result.steps()).isZero();
        assertThat(result.lastLoss()).isNaN();
      }
    }
    var reader =
        Datasets.text(file, file)
            .map(text -> {
              Thread.currentThread().interrupt(); // makes reading the second file fail
              return text;
            });
    try (var model = TestModels.odd()) {
      assertThat(trainer(model).fit(reader).cancelled()).isTrue();
      assertThat(Thread.interrupted()).isTrue();
    }
  }

  /** An earlier model and its metrics stay if no step was done. */
  @Test
  void interruptBeforeTheFirstStepSavesNothing() throws IOException {
    var folder = temp.resolve("earlier");
    var metrics = folder.resolve("metrics.jsonl");
    try (var model = TestModels.odd()) {
      trainer(model).maxSteps(1).saveTo(folder).metrics(metrics).fit(TestModels.documents(8));
    }
    var weights = Files.readAllBytes(folder.resolve("model.safetensors"));
    var unused = temp.resolve("unused");
    for (var output : List.of(folder, unused)) {
      try (var model = TestModels.odd()) {
        Thread.currentThread().interrupt();
        var shown = new ByteArrayOutputStream();
        var result =
            trainer(model)
                .saveTo(output)
                .metrics(output.resolve("metrics.jsonl"))
                .progress(Progress.lines(new PrintStream(shown, true, UTF_8)))
                .fit(TestModels.documents(8));
        assertThat(Thread.interrupted()).isTrue();
        assertThat(result.cancelled()).isTrue();
        assertThat(result.savedTo()).isEmpty();
        assertThat(shown.toString(UTF_8))
            .isEqualToNormalizingNewlines("stopped before the first step; nothing was saved\n");
      }
    }
    assertThat(folder.resolve("model.safetensors")).hasBinaryContent(weights);
    assertThat(Files.readAllLines(metrics)).hasSize(1);
    assertThat(unused).doesNotExist();
  }

  @Test
  void interruptWhileWaitingForTheNetworkStopsAndSaves() {
    var folder = temp.resolve("waiting");
    var waiting =
        Datasets.stream(() ->
            Stream.iterate(0, i -> i + 1)
                .map(i -> {
                  if (i == 9) { // as while reading from the Hub
                    Thread.currentThread().interrupt();
                    throw new CancellationException("Interrupted");
                  }
                  return "some text to learn";
                }));
    try (var model = TestModels.odd()) {
      var result = trainer(model).shuffle(false).saveTo(folder).fit(waiting);
      assertThat(Thread.interrupted()).isTrue();
      assertThat(result.cancelled()).isTrue();
      assertThat(folder.resolve("model.safetensors")).exists();
    }
  }

  @Test
  void generationRunsDuringTraining() throws InterruptedException {
    try (var model = TestModels.odd()) {
      var computed = new AtomicInteger();
      var running = new AtomicBoolean(true);
      var failures = new ConcurrentLinkedQueue<Throwable>();
      var reader =
          new Thread(() -> {
            while (running.get()) {
              for (float logit : InferenceSession.logits(model, 1, 2, 3)[2]) {
                assertThat(logit).isFinite();
              }
              computed.incrementAndGet();
            }
          });
      reader.setUncaughtExceptionHandler((thread, failure) -> failures.add(failure));
      reader.start();
      try {
        trainer(model).maxSteps(10).fit(TestModels.documents(40));
      } finally {
        running.set(false);
        reader.join();
      }
      assertThat(failures).isEmpty();
      assertThat(computed.get()).isPositive();
    }
  }

  @Test
  void theModelCannotBeClosedDuringATraining() {
    try (var model = TestModels.odd()) {
      var refused = new ArrayList<@Nullable Throwable>();
      var listener =
          new TrainingListener() {
            @Override
            public void onStepEnd(StepMetrics step, TrainerControl control) {
              var closing = CompletableFuture.runAsync(model::close);
              refused.add(closing.handle((_, failure) -> failure).join());
            }
          };
      var result = trainer(model).maxSteps(2).listener(listener).fit(TestModels.documents(40));

      assertThat(result.steps()).isEqualTo(2);
      assertThat(refused)
          .hasSize(2)
          .allSatisfy(failure ->
              assertThat(failure)
                  .hasRootCauseInstanceOf(IllegalStateException.class)
                  .hasRootCauseMessage(
                      "Model "
                          + model.origin()
                          + " is in use by 1 training; wait until that ends, or close it,"
                          + " before closing the model"));
      assertThat(InferenceSession.logits(model, 1, 2, 3)[2]).doesNotContain(Float.NaN);
    } // can be closed now
  }

  @Test
  void divergenceIsAnErrorAndSavesNothing() {
    var folder = temp.resolve("diverged");
    try (var model = TestModels.odd()) {
      var trainer =
          trainer(model).optimizer(Sgd.learningRate(1e30)).clipNorm(0).epochs(9).saveTo(folder);
      assertThatThrownBy(() -> trainer.fit(TestModels.documents(40)))
          .isInstanceOf(TrainingException.class)
          .hasMessageContaining("step 2")
          .hasMessageContaining("lower learning rate");
      assertThat(folder).doesNotExist();
    }
  }

  @Test
  void badValuesAreClearErrors() throws IOException {
    var file = Files.createFile(temp.resolve("file"));
    try (var model = TestModels.odd()) {
      bad(model, t -> t.batchSize(0), "batchSize is 0, expected at least 1");
      bad(model, t -> t.epochs(0), "epochs is 0, expected at least 1");
      bad(model, t -> t.maxSteps(0), "maxSteps is 0, expected at least 1");
      bad(model, t -> t.maxSequenceLength(1), "maxSequenceLength is 1, expected at least 2");
      bad(model, t -> t.maxSequenceLength(78), "n_positions = 77");
      bad(
          model,
          t -> t.gradientAccumulationSteps(0),
          "gradientAccumulationSteps is 0, expected at least 1");
      bad(
          model,
          t -> t.clipNorm(Double.NaN),
          "clipNorm is NaN, expected a finite number of at least 0");
      bad(model, t -> t.dropout(1), "dropout is 1.0, expected at least 0 and below 1");
      bad(
          model,
          t -> t.packing(true).padding(Padding.LEARNED),
          "padding is LEARNED, expected MASKED with packing");
      bad(model, t -> t.saveTo(file), "expected a path in a writable folder");
      bad(model, t -> t.schedule((step, total) -> Double.NaN), "The factor of step 1 is NaN");
      assertThatThrownBy(() -> trainer(model).fit(Datasets.of("", "x")))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("no document has at least two tokens");
      assertThatThrownBy(() -> trainer(model).fit(Datasets.stream(Stream::empty)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("no document has at least two tokens");
    }
  }

  private static void bad(Gpt2Model model, UnaryOperator<Trainer> change, String message) {
    assertThatThrownBy(() -> change.apply(trainer(model)).fit(TestModels.documents(8)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(message);
  }

  @Test
  void theDefaultsAreHuggingFaces() {
    var recorder = new Recorder();
    try (var model = TestModels.odd()) {
      var trainer = Trainer.of(model, TestModels.tokenizer()).listener(recorder);
      assertThat(trainer.fit(TestModels.documents(16)).steps()).isEqualTo(3 * 2);
    }
    assertThat(recorder.steps.getFirst().learningRate()).isEqualTo(5e-5);
  }

  @Test
  void maxStepsDetermineTheNumberOfEpochs() {
    assertThat(plan(t -> t.maxSteps(7)).epochs()).hasValue(7 / 5.0);
    assertThat(plan(t -> t.epochs(3).maxSteps(7)).epochs()).hasValue(7 / 5.0);
    assertThat(plan(t -> t.epochs(3).maxSteps(99)).epochs()).hasValue(3);
    assertThat(plan(t -> t.epochs(2)).totalSteps()).hasValue(10);
    assertThat(Progress.epochs(1.4)).isEqualTo("1.40");
    assertThat(Progress.epochs(3)).isEqualTo("3");
  }

  private static TrainingPlan plan(UnaryOperator<Trainer> change) {
    var plans = new ArrayList<TrainingPlan>();
    var listener =
        new TrainingListener() {
          @Override
          public void onTrainBegin(TrainingPlan plan, TrainerControl control) {
            plans.add(plan);
            Thread.currentThread().interrupt();
          }
        };
    try (var model = TestModels.odd()) {
      var trainer = Trainer.of(model, TestModels.tokenizer()).maxSequenceLength(64);
      change.apply(trainer.listener(listener)).fit(TestModels.documents(40));
    }
    assertThat(Thread.interrupted()).isTrue();
    return plans.getFirst();
  }

  @Test
  void aWarmupAsLongAsTheTrainingLogsAWarning() {
    var schedule = LinearWarmup.steps(5);
    var data = TestModels.documents(40).rows().filter(text -> text.length() <= 64);
    assertThat(warnings(t -> t.schedule(schedule), data))
        .singleElement()
        .asString()
        .contains("warmup (5 steps)", "training (5 steps)", "0.001");
    assertThat(warnings(t -> t.schedule(schedule).epochs(2), data)).isEmpty();
  }

  @Test
  void truncationLogsAWarning() {
    var data = Datasets.of("a".repeat(100), "b".repeat(64), "c".repeat(65));
    assertThat(warnings(t -> t, data))
        .singleElement()
        .asString()
        .contains("2 of 3 documents are longer than 64 tokens", "37 of 229 tokens", "packing");
    assertThat(warnings(t -> t, Datasets.stream(() -> Stream.of("a".repeat(100))))).hasSize(1);
    assertThat(warnings(t -> t.packing(true), data)).isEmpty();
  }

  /** Returns the log messages of a training. */
  private static List<String> warnings(UnaryOperator<Trainer> change, Dataset data) {
    return LogMessages.of(Trainer.class, () -> train(change, data));
  }

  @Test
  void progressInLines() {
    var bytes = new ByteArrayOutputStream();
    var lines = Progress.lines(new PrintStream(bytes, true, StandardCharsets.UTF_8));
    train(t -> t.progress(lines).epochs(2), TestModels.documents(16));
    assertThat(bytes.toString(StandardCharsets.UTF_8).lines())
        .hasSize(3)
        .first()
        .asString()
        .matches(
            "epoch 0\\.50, step 1/4, loss \\d+\\.\\d{4}, lr 1\\.00e-03, [\\d,]+ tok/s,"
                + " \\d:\\d\\d:\\d\\d left");
  }

  @Test
  void progressBarFitsTheTerminal() {
    assertThat(ProgressBarListener.line("step 5/10", "loss 1", 0.5, 30))
        .isEqualTo("step 5/10 [======     ] loss 1");
    assertThat(ProgressBarListener.line("step 5/10", "loss 1", 0.5, 20))
        .isEqualTo("step 5/10 loss 1");
    assertThat(ProgressBarListener.line("step 5/10", "loss 1", 0.5, 12)).isEqualTo("step 5/10 lo");
    assertThat(ProgressBarListener.line("step 5", "loss 1", -1, 99)).isEqualTo("step 5 loss 1");
    assertThat(ProgressBarListener.line("a", "b", 1, 99)).isEqualTo("a [" + "=".repeat(30) + "] b");
  }
}
