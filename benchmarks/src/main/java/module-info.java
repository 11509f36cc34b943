/** Speed, side by side with llama.cpp and PyTorch. */
module io.github.ggml4j.benchmarks {
  requires static org.jspecify;
  requires io.github.ggml4j;
  requires io.github.ggml4j.bindings;
  requires io.github.ggml4j.trainer;
}
