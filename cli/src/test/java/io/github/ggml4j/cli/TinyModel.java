package io.github.ggml4j.cli;

import io.github.ggml4j.io.ModelExport;
import io.github.ggml4j.io.Models;
import io.github.ggml4j.model.Gpt2Config;
import io.github.ggml4j.model.Gpt2Model;
import io.github.ggml4j.tensor.Device;
import io.github.ggml4j.tokenizer.AddedToken;
import io.github.ggml4j.tokenizer.Tokenizer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A model with random weights whose tokens are bytes. */
final class TinyModel {
  static final int POSITIONS = 128;
  private static final int END = 256;

  private TinyModel() {}

  static String write(Path folder) {
    return write(folder, POSITIONS);
  }

  static String write(Path folder, int positions) {
    var config =
        Gpt2Config.builder()
            .vocabSize(END + 1)
            .nPositions(positions)
            .nEmbd(16)
            .nLayer(1)
            .nHead(2)
            .bosTokenId(END)
            .eosTokenId(END)
            .build();
    var file = folder.resolve("tiny.gguf");
    try (var model = Gpt2Model.random(config, Device.cpu(1), 7)) {
      Models.save(model, file, ModelExport.builder().tokenizer(tokenizer()).name("tiny").build());
    }
    return file.toString();
  }

  private static Tokenizer tokenizer() {
    var tokens = new ArrayList<String>();
    for (int i = 0; i < END; i++) {
      tokens.add(Tokenizer.gpt2().idToToken(i)); // GPT-2's first tokens are the bytes
    }
    var end = "<|endoftext|>";
    tokens.add(end);
    return Tokenizer.of(tokens, List.of(), List.of(AddedToken.special(END, end)), END, END, null);
  }
}
