package io.github.ggml4j.examples;

import io.github.ggml4j.io.ModelExport;
import io.github.ggml4j.io.Models;
import io.github.ggml4j.model.Gpt2Config;
import io.github.ggml4j.model.Gpt2Model;
import io.github.ggml4j.tensor.DType;
import io.github.ggml4j.tensor.Device;
import io.github.ggml4j.tokenizer.Tokenizer;
import io.github.ggml4j.trainer.Progress;
import io.github.ggml4j.trainer.Trainer;
import io.github.ggml4j.trainer.data.Datasets;
import io.github.ggml4j.trainer.optim.AdamW;
import io.github.ggml4j.trainer.schedule.LinearWarmup;
import io.github.ggml4j.trainer.schedule.Schedule;
import java.nio.file.Path;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Trains the bundled model from scratch on a folder of books. Takes less than an hour on two cores.
 *
 * <p>Arguments: a folder of {@code .txt} files, the {@code .gguf} file to write, and optionally the
 * number of steps, by default 4,400. The bundled model was trained on ten books of Project
 * Gutenberg without their headers, from NLTK's selection: Bryant's Stories to Tell to Children,
 * Burgess's Adventures of Buster Bear, Carroll's Alice's Adventures in Wonderland, Edgeworth's
 * Parent's Assistant, Chesterton's Wisdom of Father Brown, Ball and the Cross and Man Who Was
 * Thursday, and Austen's Emma, Persuasion, and Sense and Sensibility.
 */
public final class TrainBundledModel {
  private static final int STEPS = 4400;
  private static final long SEED = 42;

  private TrainBundledModel() {}

  /**
   * Trains and saves.
   *
   * @param args folder of books, file to write, number of steps
   */
  public static void main(String... args) {
    var books = Path.of(args[0]);
    var output = Path.of(args[1]);
    int steps = args.length > 2 ? Integer.parseInt(args[2]) : STEPS;
    var config =
        Gpt2Config.builder()
            .vocabSize(50257)
            .nPositions(256)
            .nEmbd(192)
            .nLayer(6)
            .nHead(6)
            .dropout(0)
            .build();
    try (var model = Gpt2Model.random(config, Device.cpu(), SEED)) {
      Trainer.of(model, Tokenizer.gpt2())
          .maxSequenceLength(128)
          .packing(true)
          .batchSize(8)
          .maxSteps(steps)
          .seed(SEED)
          .optimizer(AdamW.learningRate(1.6e-3).betas(0.9, 0.98).eps(1e-6).weightDecay(0.05))
          .schedule(warmupThenLinearToTwoPercent())
          .progress(Progress.console())
          .fit(Datasets.folder(books, "*.txt").map(TrainBundledModel::unwrap));
      Models.save(
          model,
          output,
          ModelExport.builder()
              .type(DType.Q5_0)
              .tokenizer(Tokenizer.gpt2())
              .name("ggml4j bundled GPT-2")
              .build());
    }
  }

  private static Schedule warmupThenLinearToTwoPercent() {
    long warmup = 300;
    var linear = LinearWarmup.steps(warmup);
    return (step, total) ->
        step < warmup ? linear.factor(step, total) : Math.max(0.02, linear.factor(step, total));
  }

  /** Joins the lines of each paragraph. The books are wrapped at about 70 characters. */
  static String unwrap(String book) {
    return Stream.of(book.split("\n\\s*\n"))
        .map(paragraph -> paragraph.strip().replaceAll("\\s*\n\\s*", " "))
        .filter(paragraph -> !paragraph.isEmpty())
        .collect(Collectors.joining("\n"));
  }
}
