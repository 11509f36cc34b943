/** Native libraries of ggml4j: loader and generated bindings, for ggml4j's own modules only. */
module io.github.ggml4j.bindings {
  requires static org.jspecify;

  exports io.github.ggml4j.bindings to
      io.github.ggml4j,
      io.github.ggml4j.trainer;
  exports io.github.ggml4j.bindings.ffi to
      io.github.ggml4j,
      io.github.ggml4j.trainer;
}
