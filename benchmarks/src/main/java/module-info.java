/** Tests and measurements of a device in one run. */
module io.github.ggml4j.benchmarks {
  requires static org.jspecify;
  requires io.github.ggml4j;
  requires io.github.ggml4j.trainer;
  requires org.junit.platform.launcher;
  requires tools.jackson.databind;
}
