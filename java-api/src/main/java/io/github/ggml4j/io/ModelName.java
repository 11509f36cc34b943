package io.github.ggml4j.io;

import io.github.ggml4j.error.InvalidArgumentException;
import io.github.ggml4j.format.ModelFormatException;
import io.github.ggml4j.hub.Hub;
import io.github.ggml4j.hub.HubException;
import io.github.ggml4j.internal.Names;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Finds a model by the name that a user gives: a local path, else a name on the Hub. */
final class ModelName {
  /** A file of a repository, as in {@code org/name/model.Q4_K_M.gguf}. */
  private static final Pattern FILE_ON_HUB = Pattern.compile("([^/]+/[^/]+)/(.+\\.gguf)");

  /** Names with these endings are taken for files, although a repository could have such a name. */
  private static final List<String> FILE_ENDINGS =
      List.of(".gguf", ".safetensors", ".bin", ".json", ".index", ".pt", ".ckpt");

  private final String name;
  private final String repo;
  private final @Nullable String file;

  private ModelName(String name, String repo, @Nullable String file) {
    this.name = name;
    this.repo = repo;
    this.file = file;
  }

  /**
   * The path of a model, which is downloaded if it is not local. Local paths take precedence.
   *
   * @param hub called only if the model is not local
   */
  static Path locate(String name, Supplier<Hub> hub, String revision) {
    var local = local(name);
    return local != null ? local : of(name).download(hub.get(), revision);
  }

  /** As {@link #locate}, without the weights. */
  static Path locateTokenizer(String name, Supplier<Hub> hub, String revision) {
    var local = local(name);
    return local != null ? local : of(name).downloadTokenizer(hub.get(), revision);
  }

  /** As {@link #locate}, perhaps without weights and tokenizer. */
  static Path locateConfig(String name, Supplier<Hub> hub, String revision) {
    var local = local(name);
    return local != null ? local : of(name).downloadConfig(hub.get(), revision);
  }

  private static @Nullable Path local(String name) {
    if (name.isEmpty()) {
      throw new InvalidArgumentException(
          "model",
          "empty",
          "the path of a Hugging Face folder or a .gguf file, the name of a model on the Hugging"
              + " Face Hub, or "
              + ModelFiles.BUNDLED);
    }
    try {
      var path = Path.of(name);
      return Files.exists(path) ? path : null;
    } catch (InvalidPathException e) {
      return null;
    }
  }

  private static ModelName of(String name) {
    var file = FILE_ON_HUB.matcher(name);
    if (file.matches() && Hub.isRepoId(file.group(1))) {
      return new ModelName(name, file.group(1), file.group(2));
    }
    if (!Hub.isRepoId(name) || FILE_ENDINGS.stream().anyMatch(name::endsWith)) {
      throw new ModelFormatException(
          name.strip()
              + ": no such file or folder (looked for "
              + absolute(name)
              + "), and no model on the Hugging Face Hub can have that name; expected the path of a"
              + " Hugging Face folder or a .gguf file, a name on the Hub such as gpt2, org/name or"
              + " org/name/file.gguf, or "
              + ModelFiles.BUNDLED
              + ". Check the path.");
    }
    return new ModelName(name, name, null);
  }

  private Path download(Hub hub, String revision) {
    try {
      var model = hub.model(repo).revision(revision);
      return file == null ? model.downloadModel() : model.file(file);
    } catch (HubException e) {
      throw named(e);
    }
  }

  private Path downloadConfig(Hub hub, String revision) {
    if (file != null) {
      return download(hub, revision);
    }
    try {
      var config = hub.model(repo).revision(revision).file(HuggingFaceFolder.CONFIG);
      return Objects.requireNonNull(config.getParent());
    } catch (HubException e) {
      if (e.reason() == HubException.Reason.ENTRY_NOT_FOUND) {
        return download(hub, revision); // It may be in a .gguf file
      }
      throw named(e);
    }
  }

  private Path downloadTokenizer(Hub hub, String revision) {
    if (file != null) {
      return download(hub, revision);
    }
    try {
      return hub.model(repo)
          .revision(revision)
          .download(HuggingFaceFolder.TOKENIZER_FILES.toArray(String[]::new));
    } catch (HubException e) {
      if (e.reason() == HubException.Reason.ENTRY_NOT_FOUND) {
        return download(hub, revision); // It may be in a .gguf file
      }
      throw named(e);
    }
  }

  /** Mentions the missing path too, since the user may have meant one. */
  private HubException named(HubException e) {
    return switch (e.reason()) {
      case REPO_NOT_FOUND, OFFLINE, UNREACHABLE ->
          new HubException(
              e.reason(),
              "There is no file or folder "
                  + Names.quote(name)
                  + " (looked for "
                  + absolute(name)
                  + "), and from the Hub: "
                  + e.getMessage(),
              e);
      default -> e;
    };
  }

  private static String absolute(String name) {
    try {
      return Path.of(name).toAbsolutePath().toString();
    } catch (InvalidPathException e) {
      return "a path of that name";
    }
  }
}
