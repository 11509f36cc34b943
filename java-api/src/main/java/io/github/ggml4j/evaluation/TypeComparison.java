package io.github.ggml4j.evaluation;

import io.github.ggml4j.io.ModelExport;
import io.github.ggml4j.io.Models;
import io.github.ggml4j.model.Gpt2Model;
import io.github.ggml4j.quantization.ImportanceMatrix;
import io.github.ggml4j.quantization.Quantization;
import io.github.ggml4j.tensor.Device;
import io.github.ggml4j.tokenizer.Tokenizer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Size, speed and loss of types that a model could be stored as, to choose one by. The model is
 * written as each of them into a temporary folder, which is deleted at the end; all are loaded at
 * once and compared with the model in one pass over the text.
 *
 * <pre>{@code
 * TypeComparison.of(model, tokenizer).evaluate(text, Quantization.Q8_0, Quantization.Q4_K_M)
 * }</pre>
 *
 * <p>Immutable; each setting gives a new object.
 */
public final class TypeComparison {
  private static final int SPEED_RUNS = 3;
  private static final double BITS = 8;

  private final Gpt2Model model;
  private final Tokenizer tokenizer;
  private final @Nullable ImportanceMatrix importance;
  private final UnaryOperator<KlDivergence> settings;

  private TypeComparison(
      Gpt2Model model,
      Tokenizer tokenizer,
      @Nullable ImportanceMatrix importance,
      UnaryOperator<KlDivergence> settings) {
    this.model = model;
    this.tokenizer = tokenizer;
    this.importance = importance;
    this.settings = settings;
  }

  /**
   * Compares with a model, best one of plain weights: what it has lost itself already is not seen.
   */
  public static TypeComparison of(Gpt2Model model, Tokenizer tokenizer) {
    return new TypeComparison(model, tokenizer, null, UnaryOperator.identity());
  }

  /** How the text is read. */
  public TypeComparison divergence(UnaryOperator<KlDivergence> settings) {
    return new TypeComparison(model, tokenizer, importance, settings);
  }

  /** Quantizes with an importance matrix, which the smallest types need. */
  public TypeComparison importanceMatrix(@Nullable ImportanceMatrix matrix) {
    return new TypeComparison(model, tokenizer, matrix, settings);
  }

  /** As {@link #evaluate(String, List)}. */
  public List<TypeReport> evaluate(String text, Quantization... types) {
    return evaluate(text, List.of(types));
  }

  /**
   * Writes, measures and compares.
   *
   * @return a report for each type, in their order
   * @throws IllegalArgumentException when the model cannot be written as one of them, or the text
   *     is too short
   * @throws UncheckedIOException when the temporary folder cannot be written
   * @throws CancellationException when the thread is interrupted
   */
  public List<TypeReport> evaluate(String text, List<Quantization> types) {
    var divergence = settings.apply(KlDivergence.from(model, tokenizer));
    divergence.check(text);
    var files = new ArrayList<Path>();
    var models = new ArrayList<Gpt2Model>();
    Path folder = null;
    try {
      folder = Files.createTempDirectory("ggml4j-types");
      for (var type : types) {
        var file = folder.resolve(type.label() + ".gguf");
        files.add(file);
        Models.save(model, file, export(type));
        models.add(Models.load(file, sameDevice()));
      }
      var losses = divergence.evaluate(text, models);
      var reports = new ArrayList<TypeReport>();
      for (int i = 0; i < types.size(); i++) {
        reports.add(report(types.get(i), Files.size(files.get(i)), models.get(i), losses.get(i)));
      }
      return reports;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } finally {
      models.forEach(Gpt2Model::close);
      delete(folder, files);
    }
  }

  private ModelExport export(Quantization type) {
    return ModelExport.builder()
        .quantization(type)
        .importanceMatrix(importance)
        .requantize(true)
        .tokenizer(tokenizer)
        .build();
  }

  private Device sameDevice() {
    return Device.open(model.device().name(), model.device().threads());
  }

  private TypeReport report(
      Quantization type, long bytes, Gpt2Model candidate, KlDivergenceResult loss) {
    var speed = SpeedTest.of(candidate).runs(SPEED_RUNS).checkResults();
    return new TypeReport(
        type,
        bytes,
        BITS * bytes / candidate.parameterCount(),
        speed.prompt(),
        speed.decode(),
        loss);
  }

  private static void delete(@Nullable Path folder, List<Path> files) {
    if (folder == null) {
      return;
    }
    try {
      for (var file : files) {
        Files.deleteIfExists(file);
      }
      Files.deleteIfExists(folder);
    } catch (IOException e) {
      System.getLogger(TypeComparison.class.getName())
          .log(System.Logger.Level.WARNING, "Could not delete " + folder, e);
    }
  }
}
