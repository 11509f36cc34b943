package io.github.ggml4j.model;

import io.github.ggml4j.format.ModelFormatException;
import io.github.ggml4j.model.internal.GenerationConfigJson;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The options of generation that come with a model, by the names in {@code generation_config.json}.
 * The ids of the beginning and the end of a text are checked when this is created.
 *
 * <p>Immutable.
 */
public final class GenerationDefaults {
  private final Map<String, @Nullable Object> options;
  private final List<Integer> eosTokenIds;
  private final @Nullable Integer bosTokenId;

  private GenerationDefaults(
      Map<String, @Nullable Object> options,
      List<Integer> eosTokenIds,
      @Nullable Integer bosTokenId) {
    this.options = options;
    this.eosTokenIds = eosTokenIds;
    this.bosTokenId = bosTokenId;
  }

  /**
   * The options of a model.
   *
   * @param source name of the model, for error messages
   * @param options by name; not changed later
   * @throws ModelFormatException if {@code eos_token_id} or {@code bos_token_id} is neither a token
   *     id nor a list of them
   */
  public static GenerationDefaults of(String source, Map<String, @Nullable Object> options) {
    var bos = GenerationConfigJson.ids(source, options, "bos_token_id");
    return new GenerationDefaults(
        Collections.unmodifiableMap(options),
        GenerationConfigJson.ids(source, options, "eos_token_id"),
        bos.isEmpty() ? null : bos.getFirst());
  }

  /** The options by name. */
  public Map<String, @Nullable Object> options() {
    return options;
  }

  /** The ids that end a text, perhaps none. */
  public List<Integer> eosTokenIds() {
    return eosTokenIds;
  }

  /** The id that a text without a prompt starts from; null if there is none. */
  public @Nullable Integer bosTokenId() {
    return bosTokenId;
  }
}
