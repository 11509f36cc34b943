package io.github.ggml4j.format.torch;

import static io.github.ggml4j.format.internal.LittleEndian.INT;

import io.github.ggml4j.format.ModelFormatException;
import io.github.ggml4j.internal.Names;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The zip form: {@code NAME/data.pkl}, and each storage as {@code NAME/data/KEY}. */
final class ZipStorages implements TorchStorages {
  private static final String PICKLE = "/data.pkl";
  private static final long MAX_PICKLE = 64L << 20;

  private final StoredZip zip;
  private final String source;
  private final String folder;
  private final @Nullable Object root;

  ZipStorages(MemorySegment bytes, String source) {
    this.source = source;
    this.zip = new StoredZip(bytes, source);
    this.folder = folder();
    checkKind();
    this.root = Unpickler.load(new PickleInput(pickle(), source), source).value();
  }

  static boolean isZip(MemorySegment bytes) {
    return bytes.byteSize() >= 4 && bytes.get(INT, 0) == StoredZip.LOCAL_HEADER;
  }

  @Override
  public @Nullable Object root() {
    return root;
  }

  @Override
  public MemorySegment storage(PickleStorage storage) {
    MemorySegment bytes = zip.find(folder + "/data/" + storage.key());
    long size = bytes == null ? -1 : bytes.byteSize();
    if (bytes == null || size / storage.dtype().bytesPerBlock() < storage.elements()) {
      throw ModelFormatException.of(
          source,
          bytes == null
              ? "has no storage " + Names.quote(storage.key())
              : "its storage " + Names.quote(storage.key()) + " has " + size + " bytes",
          storage.elements() + " elements of " + storage.dtype(),
          "The file is damaged; fetch it again.");
    }
    return bytes;
  }

  private String folder() {
    List<String> pickles =
        zip.names().stream()
            .filter(name -> name.endsWith(PICKLE))
            .filter(name -> name.indexOf('/') == name.length() - PICKLE.length())
            .toList();
    if (pickles.size() != 1) {
      throw ModelFormatException.of(
          source,
          "is a zip archive with " + pickles.size() + " entries named data.pkl",
          "one, as torch.save writes it",
          "Check that this is a model's file.");
    }
    return pickles.getFirst().substring(0, pickles.getFirst().length() - PICKLE.length());
  }

  private void checkKind() {
    if (zip.names().contains(folder + "/constants.pkl")) {
      throw ModelFormatException.of(
          source,
          "is a TorchScript program",
          "a state dict",
          "Save the weights with torch.save(model.state_dict(), file).");
    }
    MemorySegment order = zip.find(folder + "/byteorder");
    if (order != null && order.byteSize() <= 16) {
      String name =
          new String(order.toArray(ValueLayout.JAVA_BYTE), StandardCharsets.ISO_8859_1).trim();
      if (!name.equals("little")) {
        throw ModelFormatException.of(
            source,
            "has the byte order " + Names.quote(name),
            "little",
            "Load the file with PyTorch on this machine and save it again.");
      }
    }
  }

  private MemorySegment pickle() {
    MemorySegment pickle = zip.find(folder + PICKLE);
    if (pickle == null || pickle.byteSize() > MAX_PICKLE) {
      throw ModelFormatException.of(
          source,
          "has a pickle of " + (pickle == null ? 0 : pickle.byteSize()) + " bytes",
          "at most " + MAX_PICKLE + " to describe the tensors",
          "Save the weights alone with torch.save(model.state_dict(), file).");
    }
    return pickle;
  }
}
