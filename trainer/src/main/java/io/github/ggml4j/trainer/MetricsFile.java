package io.github.ggml4j.trainer;

import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Writes one line of JSON for each step. A resumed training continues the file after the step from
 * which it resumes; a new one replaces its content at the first step.
 *
 * <p>If the training fails, or ends without a step, and the folder was created for the metrics and
 * has no other file, the folder is deleted, because it would look like a model's folder.
 */
final class MetricsFile implements TrainingListener {
  private final Path file;
  private OutputStream out = OutputStream.nullOutputStream();
  private @Nullable Path createdFolder;
  private boolean createdFile;
  private boolean replaces;

  MetricsFile(Path file) {
    this.file = file;
  }

  @Override
  public void onTrainBegin(TrainingPlan plan, TrainerControl control) {
    try {
      Path folder = file.toAbsolutePath().getParent();
      if (folder != null && !Files.exists(folder)) {
        Files.createDirectories(folder);
        createdFolder = folder;
      }
      createdFile = !Files.exists(file);
      replaces = plan.stepsDone() == 0;
      if (!replaces && !createdFile) {
        truncate(plan.stepsDone());
      }
      out = Files.newOutputStream(file, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    } catch (IOException e) {
      throw failure(e);
    }
  }

  /** Removes the lines after a step, which the lost part of an earlier run has written. */
  private void truncate(long lastStep) throws IOException {
    byte[] content = Files.readAllBytes(file);
    int end = 0;
    for (int i = 0; i < content.length; i++) {
      if (content[i] == '\n') {
        if (step(new String(content, end, i - end, StandardCharsets.UTF_8)) > lastStep) {
          break;
        }
        end = i + 1;
      }
    }
    try (var channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      channel.truncate(end);
    }
  }

  private static long step(String line) {
    try {
      return JsonMapper.shared().readTree(line).path("step").asLong(Long.MAX_VALUE);
    } catch (JacksonException e) {
      return Long.MAX_VALUE;
    }
  }

  @Override
  public void onStepEnd(StepMetrics step, TrainerControl control) {
    JsonMapper json = JsonMapper.shared();
    var line = json.createObjectNode();
    line.put("step", step.step());
    line.put("epoch", step.epoch());
    line.put("loss", step.loss());
    line.put("learning_rate", step.learningRate());
    line.put("grad_norm", step.gradNorm());
    line.put("tokens_per_second", step.tokensPerSecond());
    write(line);
  }

  private void write(ObjectNode line) {
    try {
      if (replaces) {
        out.close();
        out = Files.newOutputStream(file);
        replaces = false;
      }
      out.write((line.toString() + "\n").getBytes(StandardCharsets.UTF_8));
      out.flush();
    } catch (IOException e) {
      throw failure(e);
    }
  }

  @Override
  public void onEvaluate(EvaluationMetrics metrics, TrainerControl control) {
    var line = JsonMapper.shared().createObjectNode();
    line.put("step", metrics.step());
    line.put("epoch", metrics.epoch());
    line.put("eval_loss", metrics.loss());
    line.put("eval_perplexity", metrics.perplexity());
    line.put("eval_accuracy", metrics.accuracy());
    write(line);
  }

  @Override
  public void onTrainEnd(TrainingResult result) {
    close();
    if (result.steps() == 0) {
      try {
        deleteCreated();
      } catch (IOException e) {
        throw failure(e);
      }
    }
  }

  @Override
  public void onFailure(Throwable failure) {
    close();
    boolean diverged = failure instanceof TrainingException; // keep the metrics: they show why
    if (!diverged) {
      try {
        deleteCreated();
      } catch (IOException e) {
        failure.addSuppressed(e);
      }
    }
  }

  /** Deletes the folder if it was created for the metrics, or the file if it was and is empty. */
  private void deleteCreated() throws IOException {
    if (createdFolder != null && hasOnlyMetrics(createdFolder)) {
      Files.delete(file);
      Files.delete(createdFolder);
    } else if (createdFile && Files.size(file) == 0) {
      Files.delete(file);
    }
  }

  private boolean hasOnlyMetrics(Path folder) {
    try (Stream<Path> files = Files.list(folder)) {
      return files.allMatch(other -> other.equals(file.toAbsolutePath()));
    } catch (IOException e) {
      return false;
    }
  }

  private void close() {
    try {
      out.close();
    } catch (IOException e) {
      throw failure(e);
    }
  }

  private UncheckedIOException failure(IOException e) {
    return new UncheckedIOException("Cannot write metrics to " + file + ": " + e, e);
  }
}
