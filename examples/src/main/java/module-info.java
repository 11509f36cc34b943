/** The lab in Java, one short file for each step. */
module io.github.ggml4j.examples {
  requires static org.jspecify;
  requires io.github.ggml4j;
  requires io.github.ggml4j.trainer;
}
