package io.github.ggml4j.cli;

import io.github.ggml4j.hub.Hub;
import io.github.ggml4j.trainer.data.Dataset;
import io.github.ggml4j.trainer.data.Datasets;
import io.github.ggml4j.trainer.data.HubDataset;
import io.github.ggml4j.trainer.data.RowDataset;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Options that choose training data: files, folders, tables, datasets of the Hub. */
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
        "Training data: text files, folders and .zip archives, in which each file is a document;"
            + " tables (.json, .jsonl, .csv, .tsv, .parquet), in which each row is a document."
            + " Files"
            + " may be compressed (.gz, .zst). A folder or archive is read as tables if at least"
            + " half"
            + " of its files are tables.",
        "hf://datasets/ORG/NAME is a dataset of the Hugging Face Hub, streamed. @REVISION and the"
            + " path of files may follow the name."
      })
  @SetsParameter({"data", "dataFiles", "name"})
  private List<String> train;

  @Option(
      names = "--glob",
      defaultValue = "**",
      paramLabel = "GLOB",
      description = "Files to read from folders and archives, such as '*.py'. Default: all.")
  private String glob;

  @Option(
      names = {"--text-column", "--text-field"},
      paramLabel = "NAME",
      description =
          "The column of tables that contains the text. Default: text, or the only column of text.")
  private @Nullable String textColumn;

  @Option(
      names = "--where",
      arity = "1",
      paramLabel = "COLUMN=VALUE",
      description =
          "Use only rows with this value in this column; may be given several times, then all must"
              + " match.")
  private List<String> where = List.of();

  @Option(
      names = {"--dataset-config", "--dataset-config-name"},
      paramLabel = "NAME",
      description = "The config (subset) of a dataset of the Hub. Default: its default config.")
  private @Nullable String config;

  @Option(
      names = {"--split", "--dataset-split"},
      paramLabel = "NAME",
      description = "The split of a dataset of the Hub. Default: train, or the only split.")
  private @Nullable String split;

  @Option(
      names = "--max-train-samples",
      paramLabel = "N",
      description = "Use only the first N documents of each dataset, after --where.")
  @SetsParameter("take")
  private @Nullable Long maxSamples;

  @Option(
      names = "--csv-delimiter",
      paramLabel = "CHAR",
      description =
          "The delimiter between the fields of CSV files, or tab. Default: a comma; for .tsv files,"
              + " a tab.")
  private @Nullable String csvDelimiter;

  @Option(
      names = "--csv-quote",
      paramLabel = "CHAR",
      description = "The character that quotes fields of CSV files, or none. Default: \".")
  @SetsParameter("withoutCsvQuotes")
  private @Nullable String csvQuote;

  @Option(
      names = "--skip-bad-records",
      description =
          "Skip and report broken records of CSV and JSON lines files. By default they are an"
              + " error.")
  private boolean skipBadRecords;

  @Option(
      names = "--replace-malformed",
      description = "Replace bytes that are not UTF-8 by U+FFFD. By default they are an error.")
  private boolean replaceMalformed;

  @Option(
      names = "--max-document-bytes",
      paramLabel = "N",
      description = "Maximum size of a document, line or record in bytes. Default: 67108864.")
  private @Nullable Integer maxDocumentBytes;

  /** Checks the options and opens the data. */
  Dataset open(Supplier<Hub> hub) {
    if (!glob.equals("**") && train.stream().noneMatch(TrainingData::hasGlob)) {
      throw wrong("--glob needs a folder or .zip archive in --train");
    }
    var data = train.stream().map(name -> dataset(name, hub)).toArray(RowDataset[]::new);
    if (textColumn != null && Stream.of(data).noneMatch(RowDataset::isTable)) {
      throw wrong("--text-column needs a table in --train");
    }
    if ((csvDelimiter != null || csvQuote != null)
        && Stream.of(data).noneMatch(RowDataset::hasCsv)) {
      throw wrong("--csv-delimiter and --csv-quote are for CSV files, but --train names none");
    }
    if (skipBadRecords && Stream.of(data).noneMatch(RowDataset::hasRecords)) {
      throw wrong("--skip-bad-records is for CSV and JSON files, but --train names none");
    }
    return data.length == 1 ? data[0] : Datasets.concat(data);
  }

  /**
   * Opens data to evaluate on, with the options that say how to read it.
   *
   * @throws IllegalArgumentException if it does not exist
   */
  Dataset openEvaluation(String name, Supplier<Hub> hub) {
    if (name.startsWith(HUB)) {
      return reading(ofHub(name, hub));
    }
    var path = Path.of(name);
    if (!Files.exists(path)) {
      throw new IllegalArgumentException(name + ": no such file or folder to evaluate on");
    }
    return reading(Datasets.open(path, glob));
  }

  private static boolean hasGlob(String name) {
    var lower = name.toLowerCase(Locale.ROOT);
    return !name.startsWith(HUB)
        && (lower.endsWith(".zip") || lower.endsWith(".jar") || Files.isDirectory(Path.of(name)));
  }

  private RowDataset dataset(String name, Supplier<Hub> hub) {
    if (name.startsWith(HUB)) {
      return rows(ofHub(name, hub));
    }
    if (config != null || split != null) {
      throw wrong(
          "--dataset-config and --split need hf://datasets/ORG/NAME in --train, not " + name);
    }
    var path = Path.of(name);
    if (!Files.exists(path)) {
      throw new IllegalArgumentException(name + ": no such file or folder to train on");
    }
    return rows(Datasets.open(path, glob));
  }

  private RowDataset ofHub(String name, Supplier<Hub> hub) {
    HubDataset dataset = Datasets.stream(name).hub(hub.get());
    if (config != null) {
      dataset = dataset.config(config);
    }
    return split == null ? dataset : dataset.split(split);
  }

  private RowDataset rows(RowDataset table) {
    if (!where.isEmpty() && !table.isTable()) {
      throw wrong("--where needs tables in --train, not " + table.describe());
    }
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
        throw wrong("--max-train-samples is " + maxSamples + ", expected at least 1");
      }
      chosen = chosen.take(maxSamples);
    }
    return reading(chosen);
  }

  /** Adds the options that say how files are read. */
  private RowDataset reading(RowDataset table) {
    var chosen = table;
    if (csvDelimiter != null && table.hasCsv()) {
      boolean tab = csvDelimiter.equals("tab") || csvDelimiter.equals("\\t");
      chosen = chosen.csvDelimiter(tab ? '\t' : character("--csv-delimiter", csvDelimiter));
    }
    if (csvQuote != null && table.hasCsv()) {
      chosen =
          csvQuote.equals("none")
              ? chosen.withoutCsvQuotes()
              : chosen.csvQuote(character("--csv-quote", csvQuote));
    }
    if (skipBadRecords && table.hasRecords()) {
      chosen = chosen.skipBadRecords();
    }
    if (replaceMalformed) {
      chosen = chosen.replaceMalformed();
    }
    if (maxDocumentBytes != null) {
      chosen = chosen.maxDocumentBytes(maxDocumentBytes);
    }
    chosen.columns(); // fails if files are missing, before a model is loaded
    return textColumn == null || !table.isTable() ? chosen : chosen.text(textColumn);
  }

  private char character(String option, String value) {
    if (value.length() != 1) {
      throw wrong(option + " " + value + ": expected one character");
    }
    return value.charAt(0);
  }

  private ParameterException wrong(String message) {
    return new ParameterException(spec.commandLine(), message);
  }
}
