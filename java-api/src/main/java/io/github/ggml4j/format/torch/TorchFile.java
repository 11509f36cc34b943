package io.github.ggml4j.format.torch;

import io.github.ggml4j.format.ModelFormatException;
import io.github.ggml4j.format.internal.MappedFile;
import io.github.ggml4j.internal.Names;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A state dict that {@code torch.save} wrote, mapped into memory: a zip archive, or the form before
 * PyTorch 1.6. What describes the tensors is read and checked when the file is opened, and nothing
 * of it is ever executed; tensor data is not touched before it is used.
 *
 * <p>Memory management: the object from {@link #open} owns the mapping; segments from {@link #data}
 * are valid until {@link #close()}. Immutable, may be shared between threads.
 */
public final class TorchFile implements AutoCloseable {
  /** What a checkpoint of more than weights calls its weights. */
  private static final String[] NESTED = {"state_dict", "model_state_dict", "model"};

  /** A tensor and where its elements stand. */
  private record Located(TorchTensor tensor, MemorySegment storage, PickleTensor view) {}

  private final String source;
  private final MemorySegment bytes;
  private final @Nullable MappedFile mapping;
  private final Map<String, Located> located = new LinkedHashMap<>();
  private final Map<String, TorchTensor> tensors = new LinkedHashMap<>();

  private TorchFile(String source, MemorySegment bytes, @Nullable MappedFile mapping) {
    this.source = source;
    this.bytes = bytes;
    this.mapping = mapping;
    TorchStorages file =
        ZipStorages.isZip(bytes)
            ? new ZipStorages(bytes, source)
            : new LegacyStorages(bytes, source);
    addAll(stateDict(file.root()), file);
    located.forEach((name, tensor) -> tensors.put(name, tensor.tensor()));
  }

  /** Whether a file begins as those that {@code torch.save} writes. */
  public static boolean matches(MemorySegment bytes) {
    return ZipStorages.isZip(bytes) || LegacyStorages.matches(bytes);
  }

  /**
   * Maps a file and checks what describes its tensors.
   *
   * @throws ModelFormatException when the file is missing, damaged, or asks for more than tensors
   * @throws java.io.UncheckedIOException when it cannot be read
   */
  public static TorchFile open(Path path) {
    MappedFile mapping = MappedFile.open(path);
    try {
      return new TorchFile(path.toString(), mapping.bytes(), mapping);
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
   * @throws ModelFormatException when it is damaged or asks for more than tensors
   */
  public static TorchFile of(MemorySegment bytes, String source) {
    return new TorchFile(source, bytes.asReadOnly(), null);
  }

  /** All tensors by name, in the order of the state dict. */
  public Map<String, TorchTensor> tensors() {
    return Collections.unmodifiableMap(tensors);
  }

  /**
   * The elements of one tensor in row-major order, read-only: where they stand in the file, or a
   * copy of a view whose elements stand in another order, such as a transposed one.
   *
   * @throws IllegalArgumentException when there is no tensor of this name
   * @throws IllegalStateException after {@link #close()}
   */
  public MemorySegment data(String name) {
    Located tensor = located.get(name);
    if (tensor == null) {
      throw new IllegalArgumentException(source + ": has no tensor " + Names.quote(name));
    }
    if (!bytes.scope().isAlive()) {
      throw new IllegalStateException("Already closed: " + source);
    }
    int size = tensor.tensor().dtype().bytesPerBlock();
    PickleTensor view = tensor.view();
    long elements = elements(view.shape());
    if (elements == 0 || isContiguous(view)) {
      long start = elements == 0 ? 0 : view.offset();
      return tensor.storage().asSlice(start * size, elements * size);
    }
    return gather(tensor.storage(), view, elements, size);
  }

  /** Unmaps the file; further calls have no effect. */
  @Override
  public void close() {
    if (mapping != null) {
      mapping.close();
    }
  }

  private Map<?, ?> stateDict(@Nullable Object root) {
    if (!(root instanceof Map<?, ?> map)) {
      throw ModelFormatException.of(
          source,
          "holds no state dict",
          "names and tensors",
          "Save it with torch.save(model.state_dict(), file).");
    }
    for (String name : NESTED) {
      if (map.get(name) instanceof Map<?, ?> inner) {
        return inner;
      }
    }
    return map;
  }

  private void addAll(Map<?, ?> stateDict, TorchStorages file) {
    stateDict.forEach((key, value) -> {
      if (key instanceof String name && value instanceof PickleTensor view) {
        MemorySegment storage = file.storage(view.storage());
        TorchTensor tensor = new TorchTensor(name, view.storage().dtype(), view.shape());
        check(tensor, view);
        located.put(name, new Located(tensor, storage, view));
      }
    });
  }

  private void check(TorchTensor tensor, PickleTensor view) {
    boolean fits;
    try {
      long last = view.offset();
      for (int d = 0; d < view.shape().length; d++) {
        last =
            Math.addExact(
                last, Math.multiplyExact(Math.max(view.shape()[d] - 1, 0), view.stride()[d]));
      }
      long elements = elements(view.shape());
      // A view that repeats elements could ask for more memory than the file has.
      fits =
          elements == 0
              || (elements <= view.storage().elements() && last < view.storage().elements());
    } catch (ArithmeticException e) {
      fits = false;
    }
    if (!fits) {
      throw ModelFormatException.of(
          source,
          "tensor "
              + Names.quote(tensor.name())
              + " has offset "
              + view.offset()
              + ", shape "
              + Arrays.toString(view.shape())
              + " and strides "
              + Arrays.toString(view.stride()),
          "elements within a storage of " + view.storage().elements() + ", each once",
          "The file is damaged; fetch it again.");
    }
  }

  private static long elements(long[] shape) {
    long elements = 1;
    for (long dimension : shape) {
      elements = Math.multiplyExact(elements, dimension);
    }
    return elements;
  }

  private static boolean isContiguous(PickleTensor view) {
    long step = 1;
    for (int d = view.shape().length - 1; d >= 0; d--) {
      if (view.shape()[d] != 1 && view.stride()[d] != step) {
        return false;
      }
      step *= view.shape()[d];
    }
    return true;
  }

  private static MemorySegment gather(
      MemorySegment storage, PickleTensor view, long elements, int size) {
    MemorySegment copy = Arena.ofAuto().allocate(elements * size, 64);
    int rank = view.shape().length;
    long[] index = new long[rank];
    long from = view.offset();
    for (long to = 0; to < elements; to++) {
      switch (size) {
        case 4 ->
            copy.set(
                ValueLayout.JAVA_INT_UNALIGNED,
                4 * to,
                storage.get(ValueLayout.JAVA_INT_UNALIGNED, 4 * from));
        case 2 ->
            copy.set(
                ValueLayout.JAVA_SHORT_UNALIGNED,
                2 * to,
                storage.get(ValueLayout.JAVA_SHORT_UNALIGNED, 2 * from));
        default -> MemorySegment.copy(storage, from * size, copy, to * size, size);
      }
      for (int d = rank - 1; d >= 0; d--) {
        from += view.stride()[d];
        if (++index[d] < view.shape()[d]) {
          break;
        }
        index[d] = 0;
        from -= view.stride()[d] * view.shape()[d];
      }
    }
    return copy.asReadOnly();
  }
}
