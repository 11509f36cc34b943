package io.github.ggml4j.format.gguf;

import static io.github.ggml4j.format.internal.LittleEndian.FLOAT;

import io.github.ggml4j.format.ModelFormatException;
import io.github.ggml4j.format.internal.AtomicFiles;
import io.github.ggml4j.format.internal.MappedFile;
import io.github.ggml4j.internal.Names;
import io.github.ggml4j.tensor.DType;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * A file of activation statistics as {@code llama-imatrix} writes it: GGUF with two tensors for
 * each matrix, {@code NAME.in_sum2} (sums of squares) and {@code NAME.counts} (how many were added
 * up), or the older form ({@link OldImatrix}).
 *
 * @param entries sums by the name of the matrix
 * @param sources names of the texts
 * @param chunkCount chunks of text, 0 when unknown
 * @param chunkSize tokens of a chunk, 0 when unknown
 */
public record ImatrixFile(
    Map<String, Entry> entries, List<String> sources, int chunkCount, int chunkSize) {
  private static final String TYPE = "imatrix";
  private static final String TYPE_KEY = "general.type";
  private static final String DATASETS_KEY = "imatrix.datasets";
  private static final String CHUNK_COUNT_KEY = "imatrix.chunk_count";
  private static final String CHUNK_SIZE_KEY = "imatrix.chunk_size";
  private static final String SUMS = ".in_sum2";
  private static final String COUNTS = ".counts";
  private static final String OLD_SUFFIX = ".dat";

  /** Tokens of a chunk in llama.cpp, when nothing else was said. */
  private static final int USUAL_CHUNK = 512;

  /**
   * The statistics of one matrix, or of several of one size that stand behind each other.
   *
   * @param sums of the squares of each input
   * @param counts how many squares each sum has, for each of the matrices
   */
  @SuppressWarnings("ArrayRecordComponent") // internal, never compared
  public record Entry(float[] sums, long[] counts) {
    /** The means: sums divided by counts in single precision; 1 where nothing was counted. */
    public float[] means() {
      float[] means = new float[sums.length];
      int size = sums.length / counts.length;
      for (int i = 0; i < means.length; i++) {
        float count = counts[i / size];
        means[i] = count > 0 ? sums[i] / count : 1;
      }
      return means;
    }
  }

  /** Copies the entries. */
  public ImatrixFile {
    entries = Collections.unmodifiableMap(new TreeMap<>(entries));
    sources = List.copyOf(sources);
  }

  /**
   * Reads a file of either form.
   *
   * @throws ModelFormatException when it is missing, damaged or something else
   */
  public static ImatrixFile read(Path path) {
    try (MappedFile file = MappedFile.open(path)) {
      return of(file.bytes(), path.toString());
    }
  }

  /**
   * Reads a file that stands in memory.
   *
   * @param source name for error messages
   * @throws ModelFormatException when it is damaged or something else
   */
  public static ImatrixFile of(MemorySegment bytes, String source) {
    return GgufFile.matches(bytes)
        ? ofGguf(GgufFile.of(bytes, source))
        : OldImatrix.read(bytes, source);
  }

  private static ImatrixFile ofGguf(GgufFile file) {
    Map<String, Entry> entries = new TreeMap<>();
    for (String tensor : file.tensors().keySet()) {
      if (tensor.endsWith(SUMS)) {
        String name = tensor.substring(0, tensor.length() - SUMS.length());
        float[] sums = floats(file, tensor);
        float[] counts = floats(file, name + COUNTS);
        entries.put(name, entry(sums, counts, file.source(), name));
      }
    }
    if (entries.isEmpty()) {
      throw ModelFormatException.of(
          file.source(),
          "has no tensor NAME" + SUMS,
          "an importance matrix",
          "Compute one with ggml4j imatrix or llama-imatrix.");
    }
    List<String> sources =
        file.find(DATASETS_KEY)
            .filter(value -> value.count() <= file.tensors().size() + 1024L)
            .map(GgufValue::asStrings)
            .orElse(List.of());
    return new ImatrixFile(
        entries, sources, number(file, CHUNK_COUNT_KEY), number(file, CHUNK_SIZE_KEY));
  }

  private static int number(GgufFile file, String key) {
    return file.find(key).map(value -> value.asInt(0, Integer.MAX_VALUE)).orElse(0);
  }

  private static float[] floats(GgufFile file, String name) {
    GgufTensor tensor = file.tensors().get(name);
    if (tensor == null || tensor.dtype() != DType.F32 || tensor.byteSize() == 0) {
      throw ModelFormatException.of(
          file.source(),
          (tensor == null ? "has no tensor " : "has no F32 numbers in ") + Names.quote(name),
          "sums and counts in F32 for each matrix",
          "Compute the importance matrix again.");
    }
    return file.data(name).toArray(FLOAT);
  }

  static Entry entry(float[] sums, float[] counts, String source, String name) {
    long[] whole = new long[counts.length];
    for (int i = 0; i < counts.length; i++) {
      whole[i] = Math.round((double) counts[i]);
      if (!(counts[i] >= 0 && counts[i] < 1L << 53)) {
        throw bad(source, name, "a count of " + counts[i]);
      }
    }
    if (sums.length % whole.length != 0) {
      throw bad(source, name, sums.length + " sums for " + whole.length + " counts");
    }
    for (float sum : sums) {
      if (!(sum >= 0 && Float.isFinite(sum))) {
        throw bad(source, name, "a sum of squares of " + sum);
      }
    }
    return new Entry(sums, whole);
  }

  private static ModelFormatException bad(String source, String name, String what) {
    return ModelFormatException.of(
        source,
        "has " + what + " for " + Names.quote(name),
        "sums of squares and what to divide them by",
        "Compute the importance matrix again.");
  }

  /**
   * Both together.
   *
   * @throws IllegalArgumentException when a matrix has different sizes in the two
   */
  public ImatrixFile plus(ImatrixFile other) {
    int size = Math.max(chunkSize, other.chunkSize);
    Map<String, Entry> all = new TreeMap<>(inTokens(size).entries);
    other
        .inTokens(size)
        .entries
        .forEach((name, entry) -> all.merge(name, entry, (a, b) -> sum(name, a, b)));
    List<String> both = new ArrayList<>(sources);
    both.addAll(other.sources);
    return new ImatrixFile(all, both, Math.addExact(chunkCount, other.chunkCount), size);
  }

  /** The older form counts chunks; with their size it can be weighed against one in tokens. */
  private ImatrixFile inTokens(int size) {
    if (chunkSize != 0 || size == 0) {
      return this;
    }
    Map<String, Entry> scaled = new TreeMap<>();
    entries.forEach((name, entry) -> {
      float[] sums = entry.sums.clone();
      long[] counts = entry.counts.clone();
      for (int i = 0; i < sums.length; i++) {
        sums[i] *= size;
      }
      Arrays.setAll(counts, i -> counts[i] * size);
      scaled.put(name, new Entry(sums, counts));
    });
    return new ImatrixFile(scaled, sources, chunkCount, size);
  }

  private static Entry sum(String name, Entry a, Entry b) {
    if (a.sums.length != b.sums.length || a.counts.length != b.counts.length) {
      throw new IllegalArgumentException(
          name
              + " has "
              + a.sums.length
              + " columns in one importance matrix and "
              + b.sums.length
              + " in the other; they belong to different models");
    }
    float[] sums = a.sums.clone();
    for (int i = 0; i < sums.length; i++) {
      sums[i] += b.sums[i];
    }
    long[] counts = new long[a.counts.length];
    Arrays.setAll(counts, i -> a.counts[i] + b.counts[i]);
    return new Entry(sums, counts);
  }

  /**
   * Writes the older form where the name ends with {@code .dat}, else GGUF.
   *
   * @throws java.io.UncheckedIOException when it cannot be written; then nothing is left behind
   */
  public void write(Path path) {
    if (String.valueOf(path.getFileName()).endsWith(OLD_SUFFIX)) {
      AtomicFiles.write(path, out -> out.write(OldImatrix.bytes(this)));
      return;
    }
    inTokens(USUAL_CHUNK).writeGguf(path);
  }

  private void writeGguf(Path path) {
    GgufWriter gguf = new GgufWriter();
    gguf.putString(TYPE_KEY, TYPE);
    gguf.putStrings(DATASETS_KEY, sources);
    gguf.putUint32(CHUNK_COUNT_KEY, chunkCount);
    gguf.putUint32(CHUNK_SIZE_KEY, chunkSize);
    entries.forEach((name, entry) -> {
      int matrices = entry.counts.length;
      int size = entry.sums.length / matrices;
      float[] counts = new float[matrices];
      for (int i = 0; i < matrices; i++) {
        counts[i] = entry.counts[i];
      }
      gguf.add(name + SUMS, DType.F32, shape(matrices, size), () -> bytes(entry.sums));
      gguf.add(name + COUNTS, DType.F32, shape(matrices, 1), () -> bytes(counts));
    });
    gguf.write(path);
  }

  private static long[] shape(int matrices, int size) {
    return matrices == 1 ? new long[] {size} : new long[] {matrices, size};
  }

  private static MemorySegment bytes(float[] values) {
    return MemorySegment.ofArray(encode(values));
  }

  static byte[] encode(float[] values) {
    ByteBuffer buffer = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    buffer.asFloatBuffer().put(values);
    return buffer.array();
  }
}
