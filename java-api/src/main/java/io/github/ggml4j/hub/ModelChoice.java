package io.github.ggml4j.hub;

import io.github.ggml4j.format.ModelFormatException;
import io.github.ggml4j.format.internal.Json;
import io.github.ggml4j.hub.HubException.Reason;
import io.github.ggml4j.internal.Names;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The files of a repository that make a model: of all the formats that its weights are in, one.
 *
 * @param files to download
 * @param index one of them, which names further files; null when there are none
 * @param gguf the one file that is the model; null when the folder is
 */
record ModelChoice(List<String> files, @Nullable String index, @Nullable String gguf) {
  private static final List<String> SETTINGS =
      List.of(
          "config.json",
          "generation_config.json",
          "tokenizer.json",
          "tokenizer_config.json",
          "vocab.json",
          "merges.txt",
          "special_tokens_map.json",
          "added_tokens.json");

  private static final List<String> OPENAI =
      List.of(
          "checkpoint",
          "encoder.json",
          "hparams.json",
          "model.ckpt.data-00000-of-00001",
          "model.ckpt.index",
          "model.ckpt.meta",
          "vocab.bpe");

  /** Single files and indexes of several, the best first. */
  private static final List<String> WEIGHTS =
      List.of(
          "model.safetensors",
          "model.safetensors.index.json",
          "pytorch_model.bin",
          "pytorch_model.bin.index.json");

  private static final String INDEX = ".index.json";
  private static final int MOST_SHARDS = 10_000;
  private static final int MOST_NAMED = 20;

  /**
   * Chooses among the files of a repository.
   *
   * @throws HubException when there is no model among them, or several
   */
  static ModelChoice of(Set<String> names, RepoId repo) {
    var weights = WEIGHTS.stream().filter(names::contains).findFirst();
    if (weights.isPresent() && names.contains("config.json")) {
      List<String> files = new ArrayList<>(SETTINGS.stream().filter(names::contains).toList());
      files.add(weights.get());
      return new ModelChoice(files, weights.get().endsWith(INDEX) ? weights.get() : null, null);
    }
    var ggufs = names.stream().filter(n -> n.endsWith(".gguf")).sorted().toList();
    if (ggufs.size() == 1) {
      return new ModelChoice(ggufs, null, ggufs.getFirst());
    }
    if (!ggufs.isEmpty()) {
      throw new HubException(
          Reason.ENTRY_NOT_FOUND,
          repo
              + " has "
              + ggufs.size()
              + " GGUF files: name one of them, as in "
              + repo.id()
              + "/"
              + ggufs.getFirst()
              + ". The files: "
              + String.join(", ", ggufs.subList(0, Math.min(MOST_NAMED, ggufs.size())))
              + (ggufs.size() > MOST_NAMED ? ", ..." : ""));
    }
    if (names.contains("model.ckpt.index")) {
      return new ModelChoice(OPENAI.stream().filter(names::contains).toList(), null, null);
    }
    throw new HubException(
        Reason.ENTRY_NOT_FOUND,
        repo
            + " has no model in a format that can be read; expected config.json with one of "
            + String.join(", ", WEIGHTS)
            + ", or a .gguf file. Choose another repository or revision.");
  }

  /** Names of files that a model may have; which of them a repository lacks is worth keeping. */
  static List<String> known() {
    return Stream.concat(SETTINGS.stream(), WEIGHTS.stream()).toList();
  }

  /**
   * Whether no list of files is needed to tell that a model is whole.
   *
   * @param names the files that are here
   * @param missing tells of other files whether the repository is known to lack them
   */
  static boolean isWhole(Set<String> names, Predicate<String> missing) {
    Predicate<String> decided = name -> names.contains(name) || missing.test(name);
    var best = WEIGHTS.stream().filter(missing.negate()).findFirst();
    return SETTINGS.stream().allMatch(decided) && best.isPresent() && names.contains(best.get());
  }

  /**
   * The files that an index names.
   *
   * @param names the files of the repository
   * @throws HubException when it is damaged, or names a file that is not there
   */
  static List<String> shards(Path index, Set<String> names, RepoId repo) {
    Object weights;
    try {
      weights = Json.readObject(index).get("weight_map");
    } catch (ModelFormatException e) {
      throw new HubException(Reason.SERVER, String.valueOf(e.getMessage()), e);
    }
    Set<String> shards = new TreeSet<>();
    if (weights instanceof Map<?, ?> map) {
      map.values().forEach(shard -> shards.add(String.valueOf(shard)));
    }
    if (shards.isEmpty() || shards.size() > MOST_SHARDS) {
      throw new HubException(
          Reason.SERVER,
          repo
              + ": its index of weights names "
              + shards.size()
              + " files; expected 1 to "
              + MOST_SHARDS
              + ". The repository is damaged: choose another revision.");
    }
    for (String shard : shards) {
      if (!names.contains(shard)) {
        throw new HubException(
            Reason.ENTRY_NOT_FOUND,
            repo
                + ": its index of weights names the file "
                + Names.quote(shard)
                + ", which is not there. The repository is incomplete: choose another revision.");
      }
    }
    return List.copyOf(shards);
  }
}
