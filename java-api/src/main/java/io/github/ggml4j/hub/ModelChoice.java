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
 * The files of a repository to download for a model. If its weights are there in several formats,
 * one is chosen.
 *
 * @param files paths of the files
 * @param index the one of them that lists shards, which are downloaded too; null if there is none
 * @param gguf the GGUF file that is the model; null if the folder is the model
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

  /** Files of weights and indexes of shards, in order of preference. */
  private static final List<String> WEIGHTS =
      List.of(
          "model.safetensors",
          "model.safetensors.index.json",
          "pytorch_model.bin",
          "pytorch_model.bin.index.json");

  private static final String INDEX = ".index.json";
  private static final int MAX_SHARDS = 10_000;
  private static final int MAX_LISTED = 20;

  /**
   * Chooses among the files of a repository.
   *
   * @throws HubException if there is no model, or several GGUF files
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
              + String.join(", ", ggufs.subList(0, Math.min(MAX_LISTED, ggufs.size())))
              + (ggufs.size() > MAX_LISTED ? ", ..." : ""));
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

  /** Files that a model may have. The cache records which of them a repository does not have. */
  static List<String> known() {
    return Stream.concat(SETTINGS.stream(), WEIGHTS.stream()).toList();
  }

  /**
   * Returns whether a model in the cache is known to be complete, without the repository's list of
   * files.
   *
   * @param names the files in the cache
   * @param missing whether the repository is known not to have a file
   */
  static boolean isComplete(Set<String> names, Predicate<String> missing) {
    Predicate<String> decided = name -> names.contains(name) || missing.test(name);
    var best = WEIGHTS.stream().filter(missing.negate()).findFirst();
    return SETTINGS.stream().allMatch(decided) && best.isPresent() && names.contains(best.get());
  }

  /**
   * Returns the shards that an index lists.
   *
   * @param names the files of the repository
   * @throws HubException if the index is damaged, or lists a file that the repository does not have
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
    if (shards.isEmpty() || shards.size() > MAX_SHARDS) {
      throw new HubException(
          Reason.SERVER,
          repo
              + ": its index of weights names "
              + shards.size()
              + " files; expected 1 to "
              + MAX_SHARDS
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
