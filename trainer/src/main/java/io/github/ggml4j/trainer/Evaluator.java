package io.github.ggml4j.trainer;

import io.github.ggml4j.TextGenerator;
import io.github.ggml4j.model.Gpt2Model;
import io.github.ggml4j.tokenizer.Tokenizer;
import io.github.ggml4j.trainer.internal.engine.TrainingEngine;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Evaluates a model in training, always on the same batches. Does not change the training. */
final class Evaluator {
  private static final int SAMPLE_TOKENS = 40;

  private final TrainingEngine engine;
  private final Gpt2Model model;
  private final Tokenizer tokenizer;
  private final TrainingOptions options;
  private final Sequences sequences;
  private final Cancellation cancellation;

  /**
   * Creates an evaluator.
   *
   * @param options those of the training
   * @param sequences the evaluation data
   */
  Evaluator(
      TrainingEngine engine,
      Gpt2Model model,
      Tokenizer tokenizer,
      TrainingOptions options,
      Sequences sequences,
      Cancellation cancellation) {
    this.engine = engine;
    this.model = model;
    this.tokenizer = tokenizer;
    this.options = options.forEvaluation();
    this.sequences = sequences;
    this.cancellation = cancellation;
  }

  /**
   * Evaluates.
   *
   * @return null if the training was cancelled meanwhile
   */
  @Nullable EvaluationMetrics evaluate(TrainerState state) {
    long start = System.nanoTime();
    double loss = 0;
    long correct = 0;
    long labels = 0;
    try (BatchReader reader = new BatchReader(sequences.open(0), options, tokenizer.padTokenId())) {
      List<Batch> batches = reader.nextStep();
      while (!batches.isEmpty()) {
        if (cancellation.requested()) {
          return null;
        }
        for (Batch batch : batches) {
          var evaluated =
              engine.evaluate(batch.tokens(), batch.labels(), batch.size(), batch.length());
          loss += evaluated.loss();
          correct += evaluated.correct();
          labels += batch.labelCount();
        }
        reader.stepDone();
        batches = reader.nextStep();
      }
    } finally {
      engine.evaluationDone();
    }
    if (cancellation.requested()) {
      return null; // reading may have stopped early
    }
    List<String> samples = samples();
    return new EvaluationMetrics(
        state.globalStep(),
        state.epoch(),
        loss / labels,
        (double) correct / labels,
        labels,
        Duration.ofNanos(System.nanoTime() - start),
        samples);
  }

  private List<String> samples() {
    List<String> texts = new ArrayList<>();
    if (options.evaluation().samplePrompts().isEmpty()) {
      return texts;
    }
    try (var generator = TextGenerator.of(model, tokenizer)) {
      for (String prompt : options.evaluation().samplePrompts()) {
        int room = model.config().nPositions() - tokenizer.encode(prompt).length;
        int tokens = Math.min(SAMPLE_TOKENS, room);
        texts.add(
            generator
                .generate(prompt, g -> g.doSample(true).maxNewTokens(tokens).seed(options.seed()))
                .getFirst());
      }
    }
    return texts;
  }
}
