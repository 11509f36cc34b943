package io.github.ggml4j.benchmarks.jmh;

import io.github.ggml4j.model.Gpt2Model;
import io.github.ggml4j.tokenizer.Tokenizer;
import io.github.ggml4j.trainer.Trainer;
import io.github.ggml4j.trainer.TrainingResult;
import io.github.ggml4j.trainer.data.Dataset;
import io.github.ggml4j.trainer.data.Datasets;
import io.github.ggml4j.trainer.optim.AdamW;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.TearDown;

/**
 * Training steps of a model with 2 blocks of 16 channels and GPT-2's vocabulary, 2 sequences of 16
 * tokens in each. The time of a step contains its share of starting the trainer.
 */
public class TrainingBenchmark extends MicroBenchmark {
  private static final int STEPS = 20;

  private final Tokenizer tokenizer = Tokenizer.gpt2();
  private final Gpt2Model model = TinyModels.create(2, 16, tokenizer.vocabSize(), 16);
  private final Dataset dataset = Datasets.of("The sea was calm and the wind was low. ".repeat(50));

  /** Trains once and checks that the loss falls from that of a random model. */
  @Setup
  public void setUp() {
    var result = trainSteps();
    double random = Math.log(tokenizer.vocabSize());
    check(result.steps() == STEPS, result.steps() + " steps");
    check(
        Math.abs(result.firstLoss() - random) < 0.2,
        "the first loss is %g, expected about %g".formatted(result.firstLoss(), random));
    check(result.lastLoss() < result.firstLoss() - 0.5, "the last loss is " + result.lastLoss());
  }

  /** Closes the model. */
  @TearDown
  public void tearDown() {
    model.close();
  }

  /** Forward, backward, clipping and AdamW. */
  @Benchmark
  @OperationsPerInvocation(STEPS)
  public TrainingResult trainSteps() {
    return Trainer.of(model, tokenizer)
        .batchSize(2)
        .maxSequenceLength(16)
        .packing(true)
        .maxSteps(STEPS)
        .optimizer(AdamW.learningRate(1e-2))
        .fit(dataset);
  }
}
