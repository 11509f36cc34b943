package io.github.ggml4j.trainer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.ggml4j.inference.InferenceSession;
import io.github.ggml4j.model.Gpt2Model;
import io.github.ggml4j.trainer.data.Dataset;
import io.github.ggml4j.trainer.data.DatasetPosition;
import io.github.ggml4j.trainer.data.Datasets;
import io.github.ggml4j.trainer.data.DocumentReader;
import io.github.ggml4j.trainer.optim.AdamW;
import io.github.ggml4j.trainer.optim.Sgd;
import io.github.ggml4j.trainer.schedule.ConstantWarmup;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A training that stops and goes on is the one that never stopped. */
class CheckpointTest {
  private static final int STEPS = 9;

  @TempDir private Path temp;

  /** A table that is streamed, and that tells how often it is read from its start. */
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

  /** Two batches make a step; a pass has 5 steps, so that it ends in between. */
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

  private record Outcome(List<StepMetrics> steps, String logits, TrainingResult result) {}

  private static Outcome train(
      Case which, Dataset data, int stopAfter, UnaryOperator<Trainer> change) {
    List<StepMetrics> steps = new ArrayList<>();
    TrainingListener recorder =
        new TrainingListener() {
          @Override
          public void stepped(StepMetrics step) {
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
  void goesOnAsIfItHadNeverStopped(Case which) throws IOException {
    var whole = train(which, data(which), 0, t -> t);
    var file = temp.resolve("checkpoint");
    var data = data(which);
    List<StepMetrics> steps = new ArrayList<>();
    UnaryOperator<Trainer> options = t -> t.checkpoint(file).metrics(temp.resolve("metrics.jsonl"));
    for (int stopAfter : new int[] {3, 5, 6}) { // 5 is the end of a pass
      steps.addAll(train(which, data, stopAfter, options).steps());
      assertThat(file).exists();
    }
    var last = train(which, data, 0, options);
    steps.addAll(last.steps());
    assertThat(file).doesNotExist();
    assertThat(numbers(steps)).isEqualTo(numbers(whole.steps()));
    assertThat(last.logits()).isEqualTo(whole.logits());
    assertThat(last.result().steps()).isEqualTo(STEPS);
    assertThat(last.result().firstLoss()).isEqualTo(whole.result().firstLoss());
    assertThat(last.result().meanLoss()).isEqualTo(whole.result().meanLoss());
    assertThat(last.result().tokens()).isEqualTo(whole.result().tokens());
    assertThat(Files.readAllLines(temp.resolve("metrics.jsonl"))).hasSize(STEPS);
    if (data instanceof Streamed streamed) {
      assertThat(streamed.opened.get()).as("passes from the start").isLessThanOrEqualTo(2);
    }
  }

  @Test
  void whatWasReadOfAStepIsNotLost() throws IOException {
    var file = temp.resolve("checkpoint");
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
    var first = train(Case.STREAM_IN_ORDER, stopping, 0, t -> t.checkpoint(file));
    assertThat(first.steps()).hasSize(2);
    var second = train(Case.STREAM_IN_ORDER, stopping, 0, t -> t.checkpoint(file));
    List<StepMetrics> steps = new ArrayList<>(first.steps());
    steps.addAll(second.steps());
    assertThat(numbers(steps)).isEqualTo(numbers(whole.steps()));
  }

  @Test
  void anotherTrainingIsRefused() throws IOException {
    var file = temp.resolve("checkpoint");
    var data = data(Case.STREAM);
    train(Case.STREAM, data, 2, t -> t.checkpoint(file));
    assertThatThrownBy(() -> train(Case.STREAM, data, 0, t -> t.checkpoint(file).batchSize(2)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll(file.toString(), "batchSize 4", "batchSize 2");
    var sgd = Sgd.learningRate(0.1);
    assertThatThrownBy(() -> train(Case.STREAM, data, 0, t -> t.checkpoint(file).optimizer(sgd)))
        .hasMessageContainingAll("AdamW", "Sgd");
  }

  @Test
  void damagedFilesAreRefused() throws IOException {
    var file = temp.resolve("checkpoint");
    var data = data(Case.STREAM);
    train(Case.STREAM, data, 2, t -> t.checkpoint(file));
    byte[] sound = Files.readAllBytes(file);
    for (int at : new int[] {0, 20, sound.length / 2, sound.length - 1}) {
      byte[] damaged = sound.clone();
      damaged[at] ^= 1;
      Files.write(file, damaged);
      assertRefused(file, data);
      Files.write(file, Arrays.copyOf(sound, at));
      assertRefused(file, data);
    }
  }

  private static void assertRefused(Path file, Dataset data) {
    assertThatThrownBy(() -> train(Case.STREAM, data, 0, t -> t.checkpoint(file)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll(file.toString(), "Remove it to begin anew");
  }
}
