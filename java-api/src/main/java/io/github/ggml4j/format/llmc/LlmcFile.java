package io.github.ggml4j.format.llmc;

import static io.github.ggml4j.format.ParameterNames.ATTN_C_PROJ;
import static io.github.ggml4j.format.ParameterNames.C_ATTN;
import static io.github.ggml4j.format.ParameterNames.C_FC;
import static io.github.ggml4j.format.ParameterNames.LN_1;
import static io.github.ggml4j.format.ParameterNames.LN_2;
import static io.github.ggml4j.format.ParameterNames.LN_F;
import static io.github.ggml4j.format.ParameterNames.MLP_C_PROJ;
import static io.github.ggml4j.format.ParameterNames.WPE;
import static io.github.ggml4j.format.ParameterNames.WTE;
import static io.github.ggml4j.format.ParameterNames.bias;
import static io.github.ggml4j.format.ParameterNames.inBlock;
import static io.github.ggml4j.format.ParameterNames.weight;
import static io.github.ggml4j.format.internal.LittleEndian.INT;

import io.github.ggml4j.format.ModelFormatException;
import io.github.ggml4j.format.internal.MappedFile;
import io.github.ggml4j.internal.Names;
import io.github.ggml4j.tensor.DType;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A model file of llm.c ({@code gpt2_124M.bin}), mapped into memory. Its header is read and checked
 * against the size of the file when it is opened; weights are not touched before they are used.
 *
 * <p>Memory management: the object from {@link #open} owns the mapping; segments from {@link #data}
 * are valid until {@link #close()}. Immutable, may be shared between threads.
 */
public final class LlmcFile implements AutoCloseable {

  private final String source;
  private final MemorySegment bytes;
  private final @Nullable MappedFile mapping;
  private final LlmcHeader header;
  private final Map<String, LlmcTensor> tensors = new LinkedHashMap<>();
  private long end = LlmcHeader.BYTES;

  private LlmcFile(String source, MemorySegment bytes, @Nullable MappedFile mapping) {
    this.source = source;
    this.bytes = bytes;
    this.mapping = mapping;
    this.header = LlmcHeader.read(bytes, source);
    checkLayers();
    layOut();
    if (end != bytes.byteSize()) {
      throw ModelFormatException.of(
          source,
          "has " + bytes.byteSize() + " bytes",
          end + " by its header",
          "The file is damaged or its download is not complete; fetch it again.");
    }
  }

  /** Whether a file begins as a model of llm.c. */
  public static boolean matches(MemorySegment bytes) {
    return bytes.byteSize() >= Integer.BYTES && bytes.get(INT, 0) == LlmcHeader.MAGIC;
  }

  /**
   * Maps a file and checks its header.
   *
   * @throws ModelFormatException when the file is missing, damaged or of another kind
   * @throws java.io.UncheckedIOException when it cannot be read
   */
  public static LlmcFile open(Path path) {
    MappedFile mapping = MappedFile.open(path);
    try {
      return new LlmcFile(path.toString(), mapping.bytes(), mapping);
    } catch (RuntimeException e) {
      mapping.close();
      throw e;
    }
  }

  /**
   * Reads a file that stands in memory already; the memory stays the caller's.
   *
   * @param bytes the whole file
   * @param source name for error messages
   * @throws ModelFormatException when it is damaged or of another kind
   */
  public static LlmcFile of(MemorySegment bytes, String source) {
    return new LlmcFile(source, bytes.asReadOnly(), null);
  }

  /** The name of the file, for messages. */
  public String source() {
    return source;
  }

  /** The model's sizes. */
  public LlmcHeader header() {
    return header;
  }

  /** All weights by name, in the order of the file. */
  public Map<String, LlmcTensor> tensors() {
    return Collections.unmodifiableMap(tensors);
  }

  /**
   * The bytes of one weight, read-only.
   *
   * @throws IllegalArgumentException when there is no weight of this name
   * @throws IllegalStateException after {@link #close()}
   */
  public MemorySegment data(String name) {
    LlmcTensor tensor = tensors.get(name);
    if (tensor == null) {
      throw new IllegalArgumentException(source + ": has no weight " + Names.quote(name));
    }
    if (!bytes.scope().isAlive()) {
      throw new IllegalStateException("Already closed: " + source);
    }
    return bytes.asSlice(tensor.offset(), tensor.byteSize());
  }

  /** Unmaps the file; further calls have no effect. */
  @Override
  public void close() {
    if (mapping != null) {
      mapping.close();
    }
  }

  /** So that a header alone cannot ask for a list of many layers. */
  private void checkLayers() {
    long least = 12L * header.channels() * header.channels() * DType.BF16.bytesPerBlock();
    if (header.layers() > bytes.byteSize() / least) {
      throw ModelFormatException.of(
          source,
          "has " + bytes.byteSize() + " bytes for " + header.layers() + " layers",
          "at least " + least + " for each",
          "The file is damaged or its download is not complete; fetch it again.");
    }
  }

  /** In the file, each kind of weight stands for all layers together. */
  private void layOut() {
    long c = header.channels();
    DType matrix = header.version() == 1 || header.version() == 3 ? DType.F32 : DType.BF16;
    DType norm = header.version() == 5 ? DType.BF16 : DType.F32;
    add(WTE, matrix, header.vocabSize(), c);
    end += matrix.byteSize((header.paddedVocabSize() - (long) header.vocabSize()) * c);
    add(WPE, matrix, header.maxSequenceLength(), c);
    addInBlocks(weight(LN_1), norm, c);
    addInBlocks(bias(LN_1), norm, c);
    addInBlocks(weight(C_ATTN), matrix, 3 * c, c);
    addInBlocks(bias(C_ATTN), matrix, 3 * c);
    addInBlocks(weight(ATTN_C_PROJ), matrix, c, c);
    addInBlocks(bias(ATTN_C_PROJ), matrix, c);
    addInBlocks(weight(LN_2), norm, c);
    addInBlocks(bias(LN_2), norm, c);
    addInBlocks(weight(C_FC), matrix, 4 * c, c);
    addInBlocks(bias(C_FC), matrix, 4 * c);
    addInBlocks(weight(MLP_C_PROJ), matrix, c, 4 * c);
    addInBlocks(bias(MLP_C_PROJ), matrix, c);
    add(weight(LN_F), norm, c);
    add(bias(LN_F), norm, c);
  }

  private void addInBlocks(String parameter, DType dtype, long... shape) {
    for (int layer = 0; layer < header.layers(); layer++) {
      add(inBlock(layer, parameter), dtype, shape);
    }
  }

  private void add(String name, DType dtype, long... shape) {
    LlmcTensor tensor = new LlmcTensor(name, dtype, shape, end);
    tensors.put(name, tensor);
    end += tensor.byteSize(); // below 2^63 by the limits of the header
  }
}
