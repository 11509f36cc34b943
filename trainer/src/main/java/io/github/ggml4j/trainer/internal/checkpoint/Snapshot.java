package io.github.ggml4j.trainer.internal.checkpoint;

import io.github.ggml4j.model.Gpt2Model;
import io.github.ggml4j.tensor.Tensor;
import java.util.Map;
import java.util.SequencedMap;
import tools.jackson.databind.node.ObjectNode;

/**
 * A training between two steps. The tensors are those of the training, which changes them with the
 * next update; everything else is a copy.
 *
 * @param step optimizer steps done
 * @param model its weights become the model of the checkpoint
 * @param modelFiles files beside configuration and weights, such as those of the tokenizer
 * @param optimizer vectors of the optimizer's state by name
 * @param state the content of {@code trainer_state.json}
 * @param position position in the data; empty at the begin of an epoch
 */
@SuppressWarnings("ArrayRecordComponent") // internal, never compared
public record Snapshot(
    long step,
    Gpt2Model model,
    Map<String, byte[]> modelFiles,
    SequencedMap<String, Tensor> optimizer,
    ObjectNode state,
    byte[] position) {

  /** Bytes of all tensors. */
  long bytes() {
    long sum = 0;
    for (var tensor : model.tensors().values()) {
      sum += tensor.bytes();
    }
    for (var tensor : optimizer.values()) {
      sum += tensor.bytes();
    }
    return sum;
  }
}
