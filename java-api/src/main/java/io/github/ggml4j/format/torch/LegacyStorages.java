package io.github.ggml4j.format.torch;

import static io.github.ggml4j.format.internal.LittleEndian.LONG;

import io.github.ggml4j.format.ModelFormatException;
import io.github.ggml4j.internal.Names;
import java.lang.foreign.MemorySegment;
import java.math.BigInteger;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The form before PyTorch 1.6: pickles of a magic number, a version, the machine, the value and the
 * keys of its storages, then each storage as its number of elements and its bytes. Source: {@code
 * _legacy_save} in {@code torch/serialization.py}.
 */
final class LegacyStorages implements TorchStorages {
  private static final BigInteger MAGIC = new BigInteger("1950a86a20f9469cfc6c", 16);
  private static final long VERSION = 1001;

  /** Protocol 2 and a number of ten bytes, the magic, which comes last. */
  private static final byte[] START = {(byte) 0x80, 2, (byte) 0x8a, 10};

  private final String source;
  private final @Nullable Object root;
  private final Map<String, MemorySegment> storages = new HashMap<>();
  private final Map<String, Long> elements = new HashMap<>();

  LegacyStorages(MemorySegment bytes, String source) {
    this.source = source;
    PickleInput in = new PickleInput(bytes, source);
    if (!matches(bytes) || !MAGIC.equals(Unpickler.load(in, source).value())) {
      throw ModelFormatException.of(
          source,
          "is no file of torch.save",
          "a zip archive or the form before PyTorch 1.6",
          "Check that this is a model's file and that its download is complete.");
    }
    if (!Long.valueOf(VERSION).equals(Unpickler.load(in, source).value())) {
      throw in.bad("has another version of the form before PyTorch 1.6", "version " + VERSION);
    }
    if (!(Unpickler.load(in, source).value() instanceof Map<?, ?> machine)
        || !Boolean.TRUE.equals(machine.get("little_endian"))) {
      throw in.bad("was not written on a little-endian machine", "little_endian: True");
    }
    Unpickled saved = Unpickler.load(in, source);
    this.root = saved.value();
    if (!(Unpickler.load(in, source).value() instanceof List<?> keys)) {
      throw in.bad("has no list of its storages", "one behind the tensors");
    }
    readStorages(bytes, in.position(), keys, byKey(saved.storages()));
  }

  static boolean matches(MemorySegment bytes) {
    return bytes.byteSize() >= START.length
        && bytes.asSlice(0, START.length).mismatch(MemorySegment.ofArray(START)) < 0;
  }

  @Override
  public @Nullable Object root() {
    return root;
  }

  @Override
  public MemorySegment storage(PickleStorage storage) {
    MemorySegment rest = storages.get(storage.key());
    Long count = elements.get(storage.key());
    if (rest == null || count == null || count != storage.elements()) {
      throw damaged(
          "storage " + Names.quote(storage.key()) + " has " + count + " elements",
          storage.elements() + " elements");
    }
    return rest;
  }

  private void readStorages(
      MemorySegment bytes, long start, List<?> keys, Map<String, PickleStorage> described) {
    long at = start;
    for (Object key : keys) {
      PickleStorage storage = key instanceof String name ? described.get(name) : null;
      if (storage == null) {
        throw damaged("names a storage that no tensor refers to", "storages of its tensors");
      }
      if (bytes.byteSize() - at < Long.BYTES) {
        throw damaged("ends before storage " + Names.quote(storage.key()), "its elements");
      }
      long count = bytes.get(LONG, at);
      long left = bytes.byteSize() - at - Long.BYTES;
      int size = storage.dtype().bytesPerBlock();
      if (count < 0 || count > left / size) {
        throw damaged(
            "storage "
                + Names.quote(storage.key())
                + " has "
                + Long.toUnsignedString(count)
                + " elements of "
                + storage.dtype(),
            "at most " + left / size + " in what is left of the file");
      }
      storages.put(storage.key(), bytes.asSlice(at + Long.BYTES, count * size));
      elements.put(storage.key(), count);
      at += Long.BYTES + count * size;
    }
  }

  /** The element types stand with the tensors: they tell how far it is to the next storage. */
  private Map<String, PickleStorage> byKey(List<PickleStorage> described) {
    Map<String, PickleStorage> byKey = new HashMap<>();
    for (PickleStorage storage : described) {
      PickleStorage before = byKey.putIfAbsent(storage.key(), storage);
      if (before != null && !before.equals(storage)) {
        throw damaged(
            "describes storage " + Names.quote(storage.key()) + " in two ways",
            "one type and size");
      }
    }
    return byKey;
  }

  private ModelFormatException damaged(String found, String expected) {
    return ModelFormatException.of(source, found, expected, "The file is damaged; fetch it again.");
  }
}
