package io.github.ggml4j.trainer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.ggml4j.error.InvalidArgumentException;
import io.github.ggml4j.trainer.optim.Sgd;
import io.github.ggml4j.trainer.schedule.Schedule;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The order of events, and what a listener can change. */
class TrainingListenerTest {
  /** Writes each event with the number of steps done. */
  private static class Recorder implements TrainingListener {
    final List<String> events = new ArrayList<>();

    private void add(String event, TrainerControl control) {
      events.add(event + " " + control.state().globalStep());
    }

    @Override
    public void onTrainBegin(TrainingPlan plan, TrainerControl control) {
      add("train begin", control);
    }

    @Override
    public void onEpochBegin(TrainerControl control) {
      add("epoch begin", control);
    }

    @Override
    public void onStepBegin(TrainerControl control) {
      add("step begin", control);
    }

    @Override
    public void onStepEnd(StepMetrics step, TrainerControl control) {
      add("step end", control);
    }

    @Override
    public void onEpochEnd(TrainerControl control) {
      add("epoch end", control);
    }

    @Override
    public void onTrainEnd(TrainingResult result) {
      events.add("train end " + result.steps() + " " + result.endReason());
    }
  }

  private static TrainingResult fit(TrainingListener... listeners) {
    try (var model = TestModels.odd()) {
      var trainer =
          Trainer.of(model, TestModels.tokenizer())
              .batchSize(2)
              .epochs(2)
              .maxSequenceLength(16)
              .optimizer(Sgd.learningRate(0.1))
              .schedule(Schedule.constant());
      for (var listener : listeners) {
        trainer.listener(listener);
      }
      return trainer.fit(TestModels.documents(4));
    }
  }

  @Test
  void eventsComeInTheOrderOfTransformers() {
    var recorder = new Recorder();
    fit(recorder);
    assertThat(recorder.events)
        .containsExactly(
            "train begin 0",
            "epoch begin 0",
            "step begin 0",
            "step end 1",
            "step begin 1",
            "step end 2",
            "epoch end 2",
            "epoch begin 2",
            "step begin 2",
            "step end 3",
            "step begin 3",
            "step end 4",
            "epoch end 4",
            "train end 4 EPOCHS");
  }

  @Test
  void aListenerStopsTheTraining() {
    var recorder = new Recorder();
    var result =
        fit(
            recorder,
            new TrainingListener() {
              @Override
              public void onStepEnd(StepMetrics step, TrainerControl control) {
                if (step.step() == 3) {
                  control.stop();
                }
              }
            });
    assertThat(result.steps()).isEqualTo(3);
    assertThat(result.endReason()).isEqualTo(EndReason.LISTENER);
    assertThat(result.cancelled()).isFalse();
    assertThat(recorder.events).endsWith("step end 3", "train end 3 LISTENER");
  }

  @Test
  void aListenerEndsAnEpoch() {
    var recorder = new Recorder();
    var result =
        fit(
            recorder,
            new TrainingListener() {
              @Override
              public void onStepEnd(StepMetrics step, TrainerControl control) {
                control.stopEpoch();
              }
            });
    assertThat(result.steps()).isEqualTo(2);
    assertThat(result.epochs()).isEqualTo(2);
    assertThat(recorder.events).contains("epoch end 1", "epoch begin 1", "epoch end 2");
  }

  @Test
  void aListenerScalesTheLearningRate() {
    var rates = new ArrayList<Double>();
    fit(
        new TrainingListener() {
          @Override
          public void onStepBegin(TrainerControl control) {
            if (control.state().globalStep() == 2) {
              control.scaleLearningRate(0.5);
            }
          }

          @Override
          public void onStepEnd(StepMetrics step, TrainerControl control) {
            rates.add(step.learningRate());
          }
        });
    assertThat(rates).containsExactly(0.1, 0.1, 0.05, 0.05);
    assertThatThrownBy(
            () -> new TrainerControl(new TrainerState(Schedule.constant())).scaleLearningRate(-1))
        .isInstanceOf(InvalidArgumentException.class)
        .hasMessageContaining("factor is -1.0");
  }
}
