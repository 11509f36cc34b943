package io.github.ggml4j.format.torch;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a pickle holds.
 *
 * @param value the value
 * @param storages every storage that it refers to, in the order of the pickle
 */
record Unpickled(@Nullable Object value, List<PickleStorage> storages) {}
