/** Fine-tuning of GPT-2: datasets, optimizers, schedules, the training loop. */
module io.github.ggml4j.trainer {
  requires transitive io.github.ggml4j;
  requires transitive org.jspecify;

  exports io.github.ggml4j.trainer.engine;
}
