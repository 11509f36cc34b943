package io.github.ggml4j.trainer;

import io.github.ggml4j.io.Models;
import io.github.ggml4j.model.Gpt2Model;
import io.github.ggml4j.tensor.Device;
import io.github.ggml4j.tokenizer.AddedToken;
import io.github.ggml4j.tokenizer.Tokenizer;
import io.github.ggml4j.trainer.data.Dataset;
import io.github.ggml4j.trainer.data.DatasetPosition;
import io.github.ggml4j.trainer.data.Datasets;
import io.github.ggml4j.trainer.data.DocumentReader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;

/** A small model (3 layers, 1,003 tokens, 77 positions) with a tokenizer of single characters. */
final class TestModels {
  static final Path ODD = Path.of("../java-api/src/test/resources/golden/models/odd");

  private TestModels() {}

  /** The name of the device of {@link #odd}. */
  static String deviceName() {
    try (var device = Device.cpu(1)) {
      return device.toString();
    }
  }

  static Gpt2Model odd() {
    return Models.load(ODD, Device.cpu(1));
  }

  /** GPT-2's first 256 tokens, which are the bytes, and the end of text. */
  static Tokenizer tokenizer() {
    List<String> tokens = new ArrayList<>();
    for (int id = 0; id < 256; id++) {
      tokens.add(Tokenizer.gpt2().idToToken(id));
    }
    tokens.add("<|endoftext|>");
    var eos = AddedToken.special(256, "<|endoftext|>");
    return Tokenizer.of(tokens, List.of(), List.of(eos), 256, 256, null);
  }

  /** Documents of 10 to 70 characters, easy to learn. */
  static Dataset documents(int count) {
    Random random = new Random(7);
    List<String> all = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      all.add("the cat sat on the mat. ".repeat(3).substring(0, 10 + random.nextInt(60)));
    }
    return Datasets.of(all);
  }

  /** A dataset that is streamed, since its length is not known, and resumes at a position. */
  record Streamed(Dataset dataset) implements Dataset {
    @Override
    public DocumentReader open() {
      return dataset.open();
    }

    @Override
    public DocumentReader resume(DatasetPosition position) {
      return dataset.resume(position);
    }

    @Override
    public Stream<String> documents() {
      throw new AssertionError("It has positions");
    }
  }
}
