package io.github.ggml4j.cli;

import io.github.ggml4j.hub.Hub;
import io.github.ggml4j.trainer.data.Dataset;
import io.github.ggml4j.trainer.data.Datasets;
import io.github.ggml4j.trainer.data.HubDataset;
import io.github.ggml4j.trainer.data.TableDataset;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Texts to train on: files, folders, tables, datasets of the Hub. */
final class TrainingData {
  private static final String HUB = "hf://datasets/";

  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  @Option(
      names = "--train",
      required = true,
      arity = "1..*",
      paramLabel = "DATA",
      description = {
        "What to train on: text files, folders and .zip archives, in which a file is a document;"
            + " tables (.json, .jsonl, .csv, .tsv, .parquet), in which a row is one; .gz and .zst"
            + " too.",
        "hf://datasets/ORG/NAME is a dataset of the Hugging Face Hub, read as it is needed, with"
            + " @REVISION and the path of files behind it where wanted."
      })
  private List<String> train;

  @Option(
      names = "--glob",
      defaultValue = "**",
      paramLabel = "GLOB",
      description = "Which files of folders and archives, such as '*.py'. Default: all.")
  private String glob;

  @Option(
      names = {"--text-column", "--text-field"},
      paramLabel = "NAME",
      description =
          "The column of tables that holds the text. Default: text, or the only column with text.")
  private @Nullable String textColumn;

  @Option(
      names = "--where",
      arity = "1",
      paramLabel = "COLUMN=VALUE",
      description = "Only rows of tables with this value; several: all of them.")
  private List<String> where = List.of();

  @Option(
      names = {"--dataset-config", "--dataset-config-name"},
      paramLabel = "NAME",
      description = "The config (subset) of a dataset of the Hub. Default: its default one.")
  private @Nullable String config;

  @Option(
      names = {"--split", "--dataset-split"},
      paramLabel = "NAME",
      description = "The split of a dataset of the Hub. Default: train, or the only one.")
  private @Nullable String split;

  @Option(
      names = "--max-train-samples",
      paramLabel = "N",
      description = "Only the first rows of tables, after --where.")
  private @Nullable Long maxSamples;

  /** Checks the options and opens the data. */
  Dataset open(Supplier<Hub> hub) {
    var data = train.stream().map(name -> dataset(name, hub)).toArray(Dataset[]::new);
    return data.length == 1 ? data[0] : Datasets.concat(data);
  }

  private Dataset dataset(String name, Supplier<Hub> hub) {
    if (name.startsWith(HUB)) {
      return rows(ofHub(name, hub));
    }
    if (config != null || split != null) {
      throw wrong("--dataset-config and --split are for hf://datasets/ORG/NAME, not for " + name);
    }
    var path = Path.of(name);
    if (!Files.exists(path)) {
      throw new IllegalArgumentException(name + ": no such file or folder to train on");
    }
    var format = format(path);
    if (format != null) {
      return rows(Datasets.load(format, path));
    }
    if (!where.isEmpty() || maxSamples != null) {
      throw wrong("--where and --max-train-samples are for tables, not for " + name);
    }
    return Datasets.open(path, glob, "text");
  }

  private TableDataset ofHub(String name, Supplier<Hub> hub) {
    try {
      HubDataset dataset = Datasets.stream(name).hub(hub.get());
      if (config != null) {
        dataset = dataset.config(config);
      }
      if (split != null) {
        dataset = dataset.split(split);
      }
      var table = dataset.rows();
      table.columns(); // what is not there is said before a model is loaded
      return table;
    } catch (IllegalArgumentException e) {
      throw wrong(String.valueOf(e.getMessage()));
    }
  }

  private static @Nullable String format(Path path) {
    if (Files.isDirectory(path)) {
      return null;
    }
    var name = path.toString().toLowerCase(Locale.ROOT).replaceFirst("\\.(gz|zst)$", "");
    return switch (name.substring(name.lastIndexOf('.') + 1)) {
      case "parquet" -> "parquet";
      case "csv" -> "csv";
      case "tsv" -> "tsv";
      case "json", "jsonl", "ndjson" -> "json";
      default -> null;
    };
  }

  private TableDataset rows(TableDataset table) {
    var chosen = table;
    for (var condition : where) {
      int at = condition.indexOf('=');
      if (at < 1) {
        throw wrong("--where " + condition + ": expected COLUMN=VALUE");
      }
      chosen = chosen.where(condition.substring(0, at), condition.substring(at + 1));
    }
    if (maxSamples != null) {
      if (maxSamples < 1) {
        throw wrong("--max-train-samples must be at least 1, not " + maxSamples);
      }
      chosen = chosen.take(maxSamples);
    }
    return textColumn == null ? chosen : chosen.text(textColumn);
  }

  private ParameterException wrong(String message) {
    return new ParameterException(spec.commandLine(), message);
  }
}
