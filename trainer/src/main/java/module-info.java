/** Fine-tuning of GPT-2: datasets, optimizers, schedules, the training loop. */
module io.github.ggml4j.trainer {
  requires transitive io.github.ggml4j;
  requires com.github.luben.zstd_jni;
  requires de.siegmar.fastcsv;
  requires dev.hardwood.core;
  requires java.logging;
  requires me.tongfei.progressbar;
  requires org.snakeyaml.engine;
  requires tools.jackson.databind;
  requires static transitive org.jspecify;

  exports io.github.ggml4j.trainer;
  exports io.github.ggml4j.trainer.data;
  exports io.github.ggml4j.trainer.engine;
  exports io.github.ggml4j.trainer.optim;
}
