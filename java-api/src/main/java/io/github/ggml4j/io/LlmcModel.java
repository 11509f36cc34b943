package io.github.ggml4j.io;

import io.github.ggml4j.format.ModelFormatException;
import io.github.ggml4j.format.llmc.LlmcFile;
import io.github.ggml4j.format.llmc.LlmcHeader;
import io.github.ggml4j.io.CheckedWeights.LinearLayout;
import io.github.ggml4j.model.Gpt2Config;
import io.github.ggml4j.model.WeightSource;
import io.github.ggml4j.model.WeightSpec;
import io.github.ggml4j.tokenizer.Tokenizer;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/** Configuration and weights of a model file of llm.c. */
final class LlmcModel {
  /** The vocabulary that llm.c trains with; its files carry no other. */
  private static final int GPT2_VOCABULARY = 50257;

  private LlmcModel() {}

  static Gpt2Config config(LlmcFile file) {
    LlmcHeader header = file.header();
    Integer endOfText = header.vocabSize() >= GPT2_VOCABULARY ? GPT2_VOCABULARY - 1 : null;
    try {
      return Gpt2Config.builder()
          .vocabSize(header.vocabSize())
          .nPositions(header.maxSequenceLength())
          .nEmbd(header.channels())
          .nHead(header.heads())
          .nLayer(header.layers())
          .bosTokenId(endOfText)
          .eosTokenId(endOfText)
          .build();
    } catch (IllegalArgumentException e) {
      throw new ModelFormatException(
          file.source() + ": " + e.getMessage() + ". Write the file again.", e);
    }
  }

  static WeightSource weights(LlmcFile file, Gpt2Config config) {
    Map<String, CheckedWeights.Stored> tensors = new HashMap<>();
    file.tensors()
        .forEach((name, tensor) ->
            tensors.put(
                name,
                new CheckedWeights.Stored(tensor.dtype(), tensor.shape(), () -> file.data(name))));
    return new CheckedWeights(
        file.source(), config, LinearLayout.OUT_IN, tensors, WeightSpec::name, file::close);
  }

  /** GPT-2's own, or for another vocabulary the one whose files stand beside the model. */
  static Tokenizer tokenizer(Path path, LlmcHeader header) {
    return header.vocabSize() == GPT2_VOCABULARY ? Tokenizer.gpt2() : Tokenizer.load(folder(path));
  }

  static boolean hasTokenizer(Path path, LlmcHeader header) {
    return header.vocabSize() == GPT2_VOCABULARY || Tokenizer.isIn(folder(path));
  }

  private static Path folder(Path file) {
    return file.toAbsolutePath().resolveSibling("");
  }
}
