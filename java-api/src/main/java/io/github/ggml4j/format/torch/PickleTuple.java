package io.github.ggml4j.format.torch;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** A Python tuple. */
record PickleTuple(List<@Nullable Object> items) {}
