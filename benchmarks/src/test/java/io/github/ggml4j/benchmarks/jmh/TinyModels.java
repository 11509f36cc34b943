package io.github.ggml4j.benchmarks.jmh;

import io.github.ggml4j.model.Gpt2Config;
import io.github.ggml4j.model.Gpt2Model;
import io.github.ggml4j.tensor.Device;

/** Models with random weights, so small that their arithmetic takes a few microseconds. */
public final class TinyModels {
  private TinyModels() {}

  /** A model on one thread of the CPU, always with the same weights. */
  public static Gpt2Model create(int layers, int channels, int vocabSize, int positions) {
    var config =
        Gpt2Config.builder()
            .nLayer(layers)
            .nEmbd(channels)
            .nHead(2)
            .vocabSize(vocabSize)
            .nPositions(positions)
            .bosTokenId(null)
            .eosTokenId(null)
            .build();
    return Gpt2Model.random(config, Device.cpu(1), 42);
  }
}
