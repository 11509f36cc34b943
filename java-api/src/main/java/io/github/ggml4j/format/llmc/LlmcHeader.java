package io.github.ggml4j.format.llmc;

import static io.github.ggml4j.format.internal.LittleEndian.INT;

import io.github.ggml4j.format.ModelFormatException;
import java.lang.foreign.MemorySegment;

/**
 * The header of a file of llm.c. Source: {@code write_model} in its {@code train_gpt2.py}.
 *
 * @param version 1 and 2 before the vocabulary was padded, 3, 4 and 5 since; 1 and 3 are F32, 2 and
 *     4 BF16 with layer norms in F32, 5 is BF16
 * @param maxSequenceLength longest sequence in tokens, T
 * @param vocabSize number of tokens, V
 * @param layers number of blocks, L
 * @param heads attention heads per block, NH
 * @param channels width of the model, C
 * @param paddedVocabSize rows of the token embedding, Vp, at least V
 */
public record LlmcHeader(
    int version,
    int maxSequenceLength,
    int vocabSize,
    int layers,
    int heads,
    int channels,
    int paddedVocabSize) {
  static final int MAGIC = 20240326;
  static final int BYTES = 1024;
  private static final int LATEST = 5;
  private static final int FIRST_PADDED = 3;
  private static final int MAX_SIZE = 1 << 24;
  private static final int MAX_LAYERS = 4096;

  static LlmcHeader read(MemorySegment bytes, String source) {
    if (bytes.byteSize() < BYTES || bytes.get(INT, 0) != MAGIC) {
      throw ModelFormatException.of(
          source,
          "does not start as a model of llm.c",
          "the number " + MAGIC + " and a header of " + BYTES + " bytes",
          "Check that this is the right file.");
    }
    int version = bytes.get(INT, 4);
    if (version < 1 || version > LATEST) {
      throw ModelFormatException.of(
          source,
          "has version " + version,
          "1 to " + LATEST,
          "Write the model again with llm.c's train_gpt2.py.");
    }
    int vocabulary = number(bytes, 3, 1, MAX_SIZE, "vocab_size", source);
    return new LlmcHeader(
        version,
        number(bytes, 2, 1, MAX_SIZE, "max_seq_len", source),
        vocabulary,
        number(bytes, 4, 1, MAX_LAYERS, "num_layers", source),
        number(bytes, 5, 1, MAX_SIZE, "num_heads", source),
        number(bytes, 6, 1, MAX_SIZE / 16, "channels", source),
        version < FIRST_PADDED
            ? vocabulary
            : number(bytes, 7, vocabulary, MAX_SIZE, "padded_vocab_size", source));
  }

  private static int number(
      MemorySegment bytes, int index, int least, int most, String name, String source) {
    int value = bytes.get(INT, 4L * index);
    if (value < least || value > most) {
      throw ModelFormatException.of(
          source,
          "its header gives " + name + " as " + value,
          least + " to " + most,
          "The file is damaged; write or fetch it again.");
    }
    return value;
  }
}
