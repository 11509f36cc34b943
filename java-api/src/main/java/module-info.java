/** GPT-2 for Java: tensors and graphs, models and their files, tokenizer, text generation. */
module io.github.ggml4j {
  requires static transitive org.jspecify;
  requires io.github.ggml4j.bindings;
  requires java.net.http;
  requires tools.jackson.databind;

  exports io.github.ggml4j;
  exports io.github.ggml4j.error;
  exports io.github.ggml4j.evaluation;
  exports io.github.ggml4j.format;
  exports io.github.ggml4j.format.gguf;
  exports io.github.ggml4j.format.llmc;
  exports io.github.ggml4j.format.safetensors;
  exports io.github.ggml4j.format.tensorflow;
  exports io.github.ggml4j.format.torch;
  exports io.github.ggml4j.generation;
  exports io.github.ggml4j.hub;
  exports io.github.ggml4j.inference;
  exports io.github.ggml4j.internal to
      io.github.ggml4j.cli,
      io.github.ggml4j.trainer;
  exports io.github.ggml4j.io;
  exports io.github.ggml4j.model;
  exports io.github.ggml4j.nn;
  exports io.github.ggml4j.quantization;
  exports io.github.ggml4j.tensor;
  exports io.github.ggml4j.tensor.internal to
      io.github.ggml4j.trainer;
  exports io.github.ggml4j.tokenizer;
}
