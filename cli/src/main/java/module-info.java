/** The command line. */
module io.github.ggml4j.cli {
  requires static org.jspecify;
  requires info.picocli;
  requires io.github.ggml4j;
  requires io.github.ggml4j.trainer;
  requires jdk.unsupported; // signals, for the terminal
  requires org.jline.reader;
  requires org.jline.terminal;
  requires org.snakeyaml.engine;
  requires tools.jackson.databind;

  opens io.github.ggml4j.cli to
      info.picocli;
}
