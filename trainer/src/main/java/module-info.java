/** Fine-tuning of GPT-2: datasets, optimizers, schedules, the training loop. */
module io.github.ggml4j.trainer {
  requires transitive io.github.ggml4j;
  requires com.aayushatharva.brotli4j;
  requires com.github.luben.zstd_jni;
  requires dev.hardwood.core;
  requires java.logging;
  requires me.tongfei.progressbar;
  requires org.snakeyaml.engine;
  requires tools.jackson.databind;
  requires static transitive org.jspecify;

  exports io.github.ggml4j.trainer;
  exports io.github.ggml4j.trainer.data;
  exports io.github.ggml4j.trainer.error;
  exports io.github.ggml4j.trainer.internal.engine to
      io.github.ggml4j.benchmarks,
      io.github.ggml4j.cli;
  exports io.github.ggml4j.trainer.internal.ops to
      io.github.ggml4j.cli;
  exports io.github.ggml4j.trainer.optim;
  exports io.github.ggml4j.trainer.schedule;
}
