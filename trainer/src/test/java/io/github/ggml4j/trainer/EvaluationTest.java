package io.github.ggml4j.trainer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assertions.withinPercentage;

import io.github.ggml4j.inference.InferenceSession;
import io.github.ggml4j.trainer.data.Dataset;
import io.github.ggml4j.trainer.data.Datasets;
import io.github.ggml4j.trainer.internal.engine.TrainingEngine;
import io.github.ggml4j.trainer.optim.Sgd;
import io.github.ggml4j.trainer.schedule.ReduceOnPlateau;
import io.github.ggml4j.trainer.schedule.Schedule;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Evaluation, early stopping and the best model, beside transformers' numbers. */
class EvaluationTest {
  private static final double LOSS = 1e-4;
  private static final JsonNode GOLDEN =
      JsonMapper.shared().readTree(Path.of("src/test/resources/golden/evaluation.json").toFile());

  @TempDir private Path temp;

  private static Dataset documents() {
    return Datasets.of(
        StreamSupport.stream(GOLDEN.get("documents").spliterator(), false)
            .map(JsonNode::asString)
            .toList());
  }

  private record Outcome(TrainingResult result, List<Double> losses, String logits) {}

  private static Outcome train(UnaryOperator<Trainer> options) {
    var losses = new ArrayList<Double>();
    try (var model = TestModels.odd()) {
      var trainer =
          Trainer.of(model, TestModels.tokenizer())
              .batchSize(4)
              .maxSequenceLength(64)
              .epochs(3)
              .dropout(0.1)
              .optimizer(Sgd.learningRate(0.1))
              .schedule(Schedule.constant())
              .listener(
                  new TrainingListener() {
                    @Override
                    public void onStepEnd(StepMetrics step, TrainerControl control) {
                      losses.add(step.loss());
                    }
                  });
      var result = options.apply(trainer).fit(TestModels.documents(16));
      var logits = Arrays.toString(InferenceSession.logits(model, 1, 2, 3)[2]);
      return new Outcome(result, losses, logits);
    }
  }

  @Test
  void lossesAreThoseOfTransformers() {
    for (var expected : GOLDEN.get("evaluations")) {
      int length = expected.get("length").asInt();
      var outcome = train(t -> t.evaluate(documents()).evalOnStart(true).maxSequenceLength(length));
      var first = outcome.result().evaluations().getFirst();
      assertThat(first.step()).isZero();
      assertThat(first.labels()).isEqualTo(expected.get("labels").asLong());
      assertThat(first.loss()).isCloseTo(expected.get("loss").asDouble(), within(LOSS));
      assertThat(first.accuracy()).isEqualTo(expected.get("accuracy").asDouble());
      assertThat(first.perplexity()).isEqualTo(Math.exp(first.loss()));
      assertThat(outcome.result().evaluations())
          .extracting("step")
          .containsExactly(0L, 4L, 8L, 12L);
    }
  }

  @Test
  void theMostLikelyTokensAreCounted() {
    var expected = GOLDEN.get("tokens");
    int[] ids =
        StreamSupport.stream(expected.get("ids").spliterator(), false)
            .mapToInt(JsonNode::asInt)
            .toArray();
    try (var model = TestModels.odd();
        var engine =
            new TrainingEngine(
                model, Sgd.learningRate(1), new TrainingEngine.Settings(1, 0, 0, 0))) {
      var evaluated = engine.evaluate(ids, ids, 1, ids.length);
      assertThat(evaluated.correct()).isEqualTo(expected.get("correct").asLong());
      assertThat(evaluated.loss()).isCloseTo(expected.get("loss").asDouble(), within(1e-3));
    }
  }

  @Test
  void evaluatingDoesNotChangeTheTraining() {
    var plain = train(t -> t);
    var evaluated =
        train(t -> t.evaluate(documents()).evalSteps(1).evalBatchSize(3).samplePrompts("the cat"));
    assertThat(evaluated.losses()).isEqualTo(plain.losses());
    assertThat(evaluated.logits()).isEqualTo(plain.logits());
    assertThat(evaluated.result().evaluations())
        .hasSize(12)
        .allSatisfy(e -> assertThat(e.samples()).singleElement().asString().startsWith("the cat"));
  }

  @Test
  void stopsWhereTransformersStops() {
    for (var expected : GOLDEN.get("early_stopping")) {
      var state = new TrainerState(Schedule.constant());
      int patience = expected.get("patience").asInt();
      int stop = 0;
      int evaluation = 0;
      for (var loss : expected.get("losses")) {
        evaluation++;
        state.evaluated(loss.asDouble(), expected.get("threshold").asDouble());
        if (stop == 0 && state.evaluationsWithoutImprovement() >= patience) {
          stop = evaluation;
        }
      }
      assertThat(stop).as("%s", expected).isEqualTo(expected.get("stop").asInt());
    }
  }

  /** With a learning rate that is too high, the loss rises. */
  private static UnaryOperator<Trainer> diverging(Path folder) {
    return t ->
        t.evaluate(TestModels.documents(4))
            .evalSteps(2)
            .optimizer(Sgd.learningRate(0.3).momentum(0.97))
            .checkpoints(folder)
            .saveSteps(3)
            .saveTotalLimit(1)
            .resume(true)
            .epochs(30)
            .maxSteps(80);
  }

  @Test
  void theBestModelIsKept() throws IOException {
    var run = temp.resolve("run");
    var outcome =
        train(t ->
            diverging(run)
                .apply(t)
                .saveBest(true)
                .earlyStoppingPatience(3)
                .saveTo(temp.resolve("m")));
    var result = outcome.result();
    assertThat(result.endReason()).isEqualTo(EndReason.EARLY_STOPPING);
    long best = result.bestStep().orElseThrow();
    var last = result.evaluations().getLast();
    assertThat(last.step()).isEqualTo(best + 6);
    assertThat(result.bestLoss().orElseThrow()).isLessThan(last.loss());
    assertThat(Files.isDirectory(run.resolve("checkpoint-" + best))).isTrue();
    assertThat(
            Files.mismatch(
                temp.resolve("m/model.safetensors"),
                run.resolve("checkpoint-" + best + "/model.safetensors")))
        .isEqualTo(-1);
    var again = train(t -> diverging(run).apply(t).saveBest(true).earlyStoppingPatience(3));
    assertThat(again.result().steps()).isEqualTo(result.steps());
    assertThat(again.logits()).as("a finished training ends the same").isEqualTo(outcome.logits());
  }

  /** Trains with a rate too low to change the loss, and adds the rates of the steps to a list. */
  private TrainingResult plateau(List<Double> rates, int stopAfter) {
    return train(t ->
            t.evaluate(TestModels.documents(4))
                .evalSteps(1)
                .optimizer(Sgd.learningRate(1e-6))
                .schedule(ReduceOnPlateau.learningRate(1e-6).patience(1))
                .checkpoints(temp.resolve("run"))
                .resume(true)
                .maxSteps(6)
                .listener(
                    new TrainingListener() {
                      @Override
                      public void onStepEnd(StepMetrics step, TrainerControl control) {
                        rates.add(step.learningRate());
                        if (step.step() == stopAfter) {
                          control.save();
                          control.stop();
                        }
                      }
                    }))
        .result();
  }

  @Test
  void aPlateauReducesTheRateAlsoAfterResuming() {
    var rates = new ArrayList<Double>();
    assertThat(plateau(rates, 4).endReason()).isEqualTo(EndReason.LISTENER);
    assertThat(plateau(rates, 0).steps()).isEqualTo(6);
    assertThat(rates).hasSize(6);
    var expected = List.of(1e-6, 1e-6, 1e-6, 1e-7, 1e-7, 1e-8);
    for (int i = 0; i < rates.size(); i++) {
      assertThat(rates.get(i)).isCloseTo(expected.get(i), withinPercentage(1e-6));
    }
    assertThatThrownBy(() -> train(t -> t.schedule(ReduceOnPlateau.learningRate(0.1))))
        .hasMessageContaining("Give evaluation data with evaluate");
  }

  @Test
  void optionsWithoutEffectAreErrors() {
    assertThatThrownBy(() -> train(t -> t.evalSteps(5)))
        .hasMessageContaining("evalSteps is set, expected not set without evaluate");
    assertThatThrownBy(() -> train(t -> t.evaluate(documents()).saveBest(true)))
        .hasMessageContaining("saveBest is true, expected false without checkpoints");
    assertThatThrownBy(() -> train(t -> t.evaluate(documents()).earlyStoppingThreshold(1)))
        .hasMessageContaining("Set earlyStoppingPatience");
    assertThatThrownBy(() -> train(t -> t.evaluate(documents()).samplePrompts("")))
        .hasMessageContaining("samplePrompts is a text of 0 tokens, expected 1 to 76");
  }
}
