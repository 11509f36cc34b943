package io.github.ggml4j.format.tensorflow;

import io.github.ggml4j.format.ModelFormatException;
import io.github.ggml4j.format.internal.MappedFile;
import io.github.ggml4j.internal.Names;
import io.github.ggml4j.tensor.DType;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * A checkpoint of TensorFlow, version 2 of the format: {@code PREFIX.index} and {@code
 * PREFIX.data-00000-of-00001} (or more), mapped into memory. The index is read and checked when it
 * is opened; the checksum of a variable is checked when it is first used.
 *
 * <p>Memory management: the object from {@link #open} owns the mappings; segments from {@link
 * #data} are valid until {@link #close()}. May be shared between threads.
 */
public final class TensorFlowCheckpoint implements AutoCloseable {
  private static final int MAX_SHARDS = 1000;
  private static final long MAX_INDEX = 64L << 20;

  /** A name may take as much again through its prefix, which a table stores once. */
  private static final long MAX_NAMES = 4L << 20;

  private static final String REMEDY = "The file is damaged; fetch it again.";

  /** Finds the files of the data by their number and how many there are. */
  interface Shards {
    MemorySegment open(int number, int count);
  }

  private final String source;
  private final List<MappedFile> mappings;
  private final List<MemorySegment> shards = new ArrayList<>();
  private final Map<String, BundleEntry> entries = new LinkedHashMap<>();
  private final Map<String, TensorFlowTensor> tensors = new LinkedHashMap<>();
  private final Set<String> verified = ConcurrentHashMap.newKeySet();
  private int shardCount = 1;
  private long nameBytes;

  private TensorFlowCheckpoint(
      String source, MemorySegment index, Shards files, List<MappedFile> mappings) {
    this.source = source;
    this.mappings = mappings;
    if (index.byteSize() > MAX_INDEX) {
      throw ModelFormatException.of(
          source, "has " + index.byteSize() + " bytes", "at most " + MAX_INDEX, REMEDY);
    }
    new SortedTable(index, source).read(this::readEntry);
    for (int i = 0; i < shardCount; i++) {
      shards.add(files.open(i, shardCount));
    }
    entries.forEach(this::check);
  }

  /** Whether a file ends as an index of a checkpoint. */
  public static boolean matches(MemorySegment bytes) {
    return SortedTable.matches(bytes);
  }

  /**
   * Maps a checkpoint and checks its index.
   *
   * @param prefix path of its files up to {@code .index}, such as {@code 124M/model.ckpt}
   * @throws ModelFormatException when a file is missing or damaged
   * @throws java.io.UncheckedIOException when one cannot be read
   */
  public static TensorFlowCheckpoint open(Path prefix) {
    List<MappedFile> mappings = new ArrayList<>();
    boolean opened = false;
    try {
      MappedFile index = map(Path.of(prefix + ".index"), mappings);
      TensorFlowCheckpoint checkpoint =
          new TensorFlowCheckpoint(
              index.path().toString(),
              index.bytes(),
              (number, count) ->
                  map(
                          Path.of(
                              prefix
                                  + String.format(
                                      Locale.ROOT, ".data-%05d-of-%05d", number, count)),
                          mappings)
                      .bytes(),
              mappings);
      opened = true;
      return checkpoint;
    } finally {
      if (!opened) {
        mappings.forEach(MappedFile::close);
      }
    }
  }

  /**
   * Reads a checkpoint that stands in memory already; the memory stays the caller's.
   *
   * @param index the whole index
   * @param data the files of the data in order
   * @param source name for error messages
   * @throws ModelFormatException when it is damaged
   */
  public static TensorFlowCheckpoint of(
      MemorySegment index, List<MemorySegment> data, String source) {
    Shards files =
        (number, count) -> {
          if (count != data.size()) {
            throw ModelFormatException.of(
                source, "has " + data.size() + " files of data", String.valueOf(count), REMEDY);
          }
          return data.get(number).asReadOnly();
        };
    return new TensorFlowCheckpoint(source, index.asReadOnly(), files, List.of());
  }

  /** All variables of numbers by name, in the order of their names. */
  public Map<String, TensorFlowTensor> tensors() {
    return Collections.unmodifiableMap(tensors);
  }

  /**
   * The bytes of one variable, read-only. Its checksum is checked at the first call.
   *
   * @throws IllegalArgumentException when there is no variable of this name
   * @throws IllegalStateException after {@link #close()}
   * @throws ModelFormatException when the checksum is another
   */
  public MemorySegment data(String name) {
    BundleEntry entry = entries.get(name);
    if (entry == null) {
      throw new IllegalArgumentException(source + ": has no variable " + Names.quote(name));
    }
    MemorySegment shard = shards.get((int) entry.shard());
    if (!shard.scope().isAlive()) {
      throw new IllegalStateException("Already closed: " + source);
    }
    MemorySegment data = shard.asSlice(entry.offset(), entry.size());
    if (!verified.contains(name)) {
      if (Checksum.of(data) != entry.checksum()) {
        throw ModelFormatException.of(
            source,
            "variable " + Names.quote(name) + " has a wrong checksum",
            "the one of its index",
            "The file with its data is damaged; fetch it again.");
      }
      verified.add(name);
    }
    return data;
  }

  /** Unmaps the files; further calls have no effect. */
  @Override
  public void close() {
    mappings.forEach(MappedFile::close);
  }

  private static MappedFile map(Path path, List<MappedFile> mappings) {
    MappedFile file = MappedFile.open(path);
    mappings.add(file);
    return file;
  }

  private void readEntry(byte[] key, ByteInput value) {
    if (key.length == 0) {
      readHeader(value);
      return;
    }
    nameBytes += key.length;
    if (nameBytes > MAX_NAMES) {
      throw ModelFormatException.of(
          source, "has names of more than " + MAX_NAMES + " bytes", "fewer", REMEDY);
    }
    String name = new String(key, StandardCharsets.UTF_8);
    BundleEntry entry = BundleEntry.read(value);
    DType dtype = entry.dtype();
    if (dtype != null && !entry.sliced()) {
      entries.put(name, entry);
      tensors.put(name, new TensorFlowTensor(name, dtype, entry.shape()));
    }
  }

  /** {@code BundleHeaderProto}: number of files, byte order. */
  private void readHeader(ByteInput in) {
    while (!in.atEnd()) {
      long tag = in.readVarint();
      if (tag == 1 << 3) {
        long count = in.readVarint();
        if (count < 1 || count > MAX_SHARDS) {
          throw ModelFormatException.of(
              source, "has " + count + " files of data", "1 to " + MAX_SHARDS, REMEDY);
        }
        shardCount = (int) count;
      } else if (tag == 2 << 3) {
        if (in.readVarint() != 0) {
          throw ModelFormatException.of(
              source,
              "was written on a big-endian machine",
              "a little-endian checkpoint",
              "Load it with TensorFlow on this machine and save it again.");
        }
      } else {
        in.skip((int) (tag & 7));
      }
    }
  }

  private void check(String name, BundleEntry entry) {
    String what = "variable " + Names.quote(name);
    if (entry.shard() < 0 || entry.shard() >= shards.size()) {
      throw ModelFormatException.of(
          source, what + " stands in file " + entry.shard(), "0 to " + (shards.size() - 1), REMEDY);
    }
    long size;
    try {
      long elements = 1;
      for (long dimension : entry.shape()) {
        elements = Math.multiplyExact(elements, dimension);
      }
      size = Objects.requireNonNull(entry.dtype()).byteSize(elements);
    } catch (ArithmeticException | IllegalArgumentException e) {
      size = -1;
    }
    if (size != entry.size()) {
      throw ModelFormatException.of(
          source,
          what + " of shape " + Arrays.toString(entry.shape()) + " has " + entry.size() + " bytes",
          size < 0 ? "a shape that can be stored" : size + " bytes",
          REMEDY);
    }
    long length = shards.get((int) entry.shard()).byteSize();
    if (entry.offset() < 0 || size > length || entry.offset() > length - size) {
      throw ModelFormatException.of(
          source,
          what + " takes " + size + " bytes from byte " + entry.offset() + " on",
          "a range within the " + length + " bytes of its file",
          "The download of the data is not complete; fetch it again.");
    }
  }
}
