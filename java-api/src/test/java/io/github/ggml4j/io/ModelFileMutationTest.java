package io.github.ggml4j.io;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.ggml4j.format.Goldens;
import io.github.ggml4j.format.ModelFormatException;
import io.github.ggml4j.format.gguf.GgufFile;
import io.github.ggml4j.format.gguf.GgufType;
import io.github.ggml4j.format.gguf.GgufValue;
import io.github.ggml4j.format.gguf.GgufVocabulary;
import io.github.ggml4j.format.llmc.LlmcFile;
import io.github.ggml4j.format.llmc.LlmcTensor;
import io.github.ggml4j.format.safetensors.SafetensorsFile;
import io.github.ggml4j.format.tensorflow.TensorFlowCheckpoint;
import io.github.ggml4j.format.torch.TorchFile;
import io.github.ggml4j.model.Gpt2Config;
import io.github.ggml4j.tokenizer.Tokenizer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Supplier;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Opens thousands of damaged files. Each must open or end in {@link ModelFormatException}; what
 * opens must let itself be read to the end. Every run makes the same files.
 */
class ModelFileMutationTest {
  private static final int IN_MEMORY = 20_000;
  private static final int ON_DISK = 1_000;

  /** All that one small file may cost, whatever numbers stand in it: garbage counts too. */
  private static final long MAX_ALLOCATED = 8 << 20;

  private static final String[] HUGE = {
    "-1",
    "0",
    "4294967296",
    "2147483648",
    "9223372036854775807",
    "18446744073709551615",
    "1e999",
    "-0.0",
    "1e-5",
    "99999999999999999999999999",
    "null",
    "true",
    "[]",
    "{}",
    "\"\"",
    "\"\\ud800\"",
    "[[[[[[[[[[]]]]]]]]]]",
    "{\"a\":{\"a\":{}}}",
    "\u0000",
    "\u00ff"
  };

  @TempDir Path folder;

  /** Opens one damaged file and reads all of it. */
  private interface Use {
    void open(byte[] file) throws IOException;
  }

  @Test
  void safetensors() throws IOException {
    List<byte[]> seeds =
        List.of(
            Goldens.bytes("types.safetensors"),
            Goldens.bytes("f16/model.safetensors"),
            Goldens.bytes("sharded/model-00001-of-00005.safetensors"));
    assertThat(mutate(1, IN_MEMORY, seeds, ModelFileMutationTest::readSafetensors)).isPositive();
  }

  @Test
  void gguf() throws IOException {
    List<byte[]> seeds = List.of(Goldens.bytes("types.gguf"), Goldens.bytes("f16.gguf"));
    assertThat(mutate(2, IN_MEMORY, seeds, ModelFileMutationTest::readGguf)).isPositive();
  }

  @Test
  void torchArchives() throws IOException {
    assertThat(mutate(7, IN_MEMORY, List.of(reader("torch-views/pytorch_model.bin")), TORCH))
        .isPositive();
  }

  @Test
  void torchFilesOfTheOldForm() throws IOException {
    List<byte[]> seeds =
        List.of(
            reader("torch-float16-legacy/pytorch_model.bin"),
            reader("torch-old/pytorch_model.bin"));
    assertThat(mutate(8, IN_MEMORY, seeds, TORCH)).isPositive();
  }

  @Test
  void llmcFiles() throws IOException {
    List<byte[]> seeds = List.of(reader("llmc-v1.bin"), reader("llmc-v4.bin"));
    Use use =
        bytes -> {
          try (LlmcFile file = LlmcFile.of(MemorySegment.ofArray(bytes), "mutant")) {
            for (LlmcTensor tensor : file.tensors().values()) {
              assertThat(file.data(tensor.name()).byteSize()).isEqualTo(tensor.byteSize());
            }
            orFormatError(() -> LlmcModel.weights(file, LlmcModel.config(file)).names());
          }
        };
    assertThat(mutate(9, IN_MEMORY, seeds, use)).isPositive();
  }

  @Test
  void tensorFlowCheckpoints() throws IOException {
    List<byte[]> seeds =
        List.of(reader("tensorflow/model.ckpt.index"), reader("tensorflow-snappy/model-20.index"));
    mutate(10, IN_MEMORY / 4, seeds, index -> readTensorFlow(index, 2));
  }

  /** Blocks are damaged before their checksum is taken, so that what is behind it is reached. */
  @Test
  void tensorFlowBlocks() throws IOException {
    List<byte[]> plain = List.of(firstBlock(reader("tensorflow/model.ckpt.index")));
    Use use = block -> readTensorFlow(table(block, 0), 1);
    assertThat(mutate(11, IN_MEMORY, plain, use)).isPositive();
    List<byte[]> compressed = List.of(firstBlock(reader("tensorflow-snappy/model-20.index")));
    Use useCompressed = block -> readTensorFlow(table(block, 1), 2);
    assertThat(mutate(12, IN_MEMORY / 2, compressed, useCompressed)).isPositive();
  }

  private static void readTensorFlow(byte[] index, int files) {
    List<MemorySegment> data = Collections.nCopies(files, MemorySegment.ofArray(new byte[140_000]));
    MemorySegment bytes = MemorySegment.ofArray(index);
    try (TensorFlowCheckpoint checkpoint = TensorFlowCheckpoint.of(bytes, data, "mutant")) {
      checkpoint.tensors().keySet().forEach(name -> orFormatError(() -> checkpoint.data(name)));
      Gpt2Config config =
          Gpt2Config.builder().vocabSize(211).nPositions(40).nEmbd(32).nHead(2).nLayer(2).build();
      orFormatError(() -> TensorFlowFolder.weights(checkpoint, "mutant", config).names());
    }
  }

  /** The content of the first block of a table: it ends where its checksum fits. */
  private static byte[] firstBlock(byte[] file) {
    ByteBuffer buffer = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
    int size = 0;
    while (buffer.getInt(size + 1) != checksum(file, size + 1)) {
      size++;
    }
    return Arrays.copyOf(file, size);
  }

  /** A table of one block. */
  private static byte[] table(byte[] block, int kind) {
    ByteBuffer out = ByteBuffer.allocate(block.length + 200).order(ByteOrder.LITTLE_ENDIAN);
    out.put(block).put((byte) kind);
    out.putInt(checksum(out.array(), out.position()));
    int index = out.position();
    out.put(new byte[] {0, 1, 4, (byte) 0xff, 0}); // a key of one byte, a handle of four
    putVarint(out, block.length, 3);
    out.putInt(0).putInt(1).put((byte) 0);
    byte[] entry = Arrays.copyOfRange(out.array(), index, out.position());
    out.putInt(checksum(entry, entry.length));
    int footer = out.position();
    out.put((byte) 0).put((byte) 0);
    putVarint(out, index, 3);
    putVarint(out, entry.length - 1, 3);
    return Arrays.copyOf(
        out.position(footer + 40).putLong(0xdb4775248b80fb57L).array(), footer + 48);
  }

  private static void putVarint(ByteBuffer out, int value, int bytes) {
    for (int i = 1; i < bytes; i++) {
      out.put((byte) (0x80 | (value & 0x7f)));
      value >>= 7;
    }
    out.put((byte) value);
  }

  private static int checksum(byte[] bytes, int length) {
    CRC32C crc = new CRC32C();
    crc.update(bytes, 0, length);
    return Integer.rotateRight((int) crc.getValue(), 15) + 0xa282ead8;
  }

  @Test
  void configurations() throws IOException {
    List<byte[]> seeds =
        List.of(
            Goldens.bytes("f32/config.json"),
            Goldens.bytes("old/config.json"),
            Goldens.bytes("config-odd.json"));
    mutate(
        3,
        IN_MEMORY,
        seeds,
        file -> {
          Path path = folder.resolve("config.json");
          if (file.length % 10 == 0) {
            replace(path, file);
            Gpt2Config.read(path);
          } else {
            Gpt2Config config =
                Gpt2Config.fromJson(new String(file, StandardCharsets.UTF_8), "config.json");
            assertThat(Gpt2Config.fromJson(config.toJson())).isEqualTo(config);
          }
        });
  }

  @Test
  void indexes() throws IOException {
    copyAll("sharded");
    Path index = folder.resolve("model.safetensors.index.json");
    mutate(
        4,
        IN_MEMORY,
        List.of(Goldens.bytes("sharded/model.safetensors.index.json")),
        file -> {
          replace(index, file);
          HuggingFaceFolder.shardOf(index);
        });
  }

  @Test
  void wholeFolders() throws IOException {
    copyAll("sharded");
    for (String name :
        List.of(
            "config.json",
            "model.safetensors.index.json",
            "model-00001-of-00005.safetensors",
            "model-00004-of-00005.safetensors")) {
      Path path = folder.resolve(name);
      byte[] whole = Files.readAllBytes(path);
      mutate(
          5,
          ON_DISK / 4,
          List.of(whole),
          file -> {
            replace(path, file);
            readModel(folder);
          });
      replace(path, whole);
    }
    readModel(folder);
  }

  /** Each file of a folder in turn, the others whole. */
  @ParameterizedTest
  @ValueSource(strings = {"torch-sharded", "torch-old", "tensorflow", "tensorflow-snappy"})
  void wholeFoldersOfOtherForms(String name) throws IOException {
    copyAll("../readers/" + name);
    List<Path> paths;
    try (var files = Files.list(folder)) {
      paths = files.sorted().toList();
    }
    for (Path path : paths) {
      byte[] whole = Files.readAllBytes(path);
      for (int i = 0; i < ON_DISK / 10; i++) {
        byte[] file = mutant(whole, new SplittableRandom(i));
        replace(path, file);
        orFormatError(
            () -> {
              readModel(folder);
              return Tokenizer.load(folder);
            },
            "");
      }
      replace(path, whole);
    }
    readModel(folder);
  }

  @Test
  void wholeGgufFiles() throws IOException {
    Path path = folder.resolve("model.gguf");
    mutate(
        6,
        ON_DISK,
        List.of(Goldens.bytes("f16.gguf")),
        file -> {
          replace(path, file);
          readModel(path);
        });
  }

  private static final Use TORCH =
      bytes -> {
        try (TorchFile file = TorchFile.of(MemorySegment.ofArray(bytes), "mutant")) {
          file.tensors()
              .forEach((name, tensor) ->
                  assertThat(file.data(name).byteSize())
                      .isEqualTo(elements(tensor.shape()) * tensor.dtype().bytesPerBlock()));
        }
      };

  private static long elements(long[] shape) {
    return Arrays.stream(shape).reduce(1, Math::multiplyExact);
  }

  private static byte[] reader(String name) throws IOException {
    return Files.readAllBytes(Goldens.path("../readers/" + name));
  }

  private static void readSafetensors(byte[] bytes) {
    try (SafetensorsFile file = SafetensorsFile.of(MemorySegment.ofArray(bytes), "mutant")) {
      file.tensors()
          .forEach(
              (name, entry) -> assertThat(file.data(name).byteSize()).isEqualTo(entry.byteSize()));
    }
  }

  private static void readGguf(byte[] bytes) {
    try (GgufFile file = GgufFile.of(MemorySegment.ofArray(bytes), "mutant")) {
      file.tensors()
          .forEach((name, tensor) ->
              assertThat(file.data(name).byteSize()).isEqualTo(tensor.byteSize()));
      for (GgufValue value : file.metadata().values()) {
        if (value.isArray() && value.type() == GgufType.STRING) {
          orFormatError(value::asStrings);
        } else if (value.isArray()) {
          orFormatError(value::asInts);
          orFormatError(value::asDoubles);
        } else {
          orFormatError(value::asLong);
          orFormatError(value::asString);
        }
      }
      orFormatError(() -> GgufVocabulary.of(file));
      orFormatError(() -> GgufModel.weights(file, GgufModel.config(file)).names());
    }
  }

  private static void readModel(Path path) {
    try (ModelFiles files = ModelFiles.open(path)) {
      files.describe();
      for (String name : files.weights().names()) {
        assertThat(files.weights().data(name).byteSize())
            .isEqualTo(files.weights().info(name).byteSize());
      }
    }
  }

  private static void orFormatError(Supplier<?> access) {
    orFormatError(access, "mutant");
  }

  @SuppressWarnings("ReturnValueIgnored")
  private static void orFormatError(Supplier<?> access, String start) {
    try {
      access.get();
    } catch (ModelFormatException e) {
      assertThat(e.getMessage()).startsWith(start);
    }
  }

  private static int mutate(long seed, int count, List<byte[]> seeds, Use use) throws IOException {
    SplittableRandom random = new SplittableRandom(seed);
    int opened = 0;
    for (int i = 0; i < count; i++) {
      byte[] file = mutant(seeds.get(i % seeds.size()), random);
      long before = Allocations.ofThisThread();
      try {
        use.open(file);
        opened++;
      } catch (ModelFormatException e) {
        assertThat(e.getMessage()).hasSizeBetween(20, 2000);
      } catch (RuntimeException | StackOverflowError | OutOfMemoryError e) {
        throw new AssertionError("mutant " + i + " of seed " + seed, e);
      }
      long allocated = Allocations.ofThisThread() - before;
      if (allocated > MAX_ALLOCATED) {
        throw new AssertionError(
            "mutant " + i + " of seed " + seed + " allocated " + allocated + " bytes");
      }
    }
    assertThat(opened).as("files that still open").isLessThan(count - count / 10);
    return opened;
  }

  /** One to four damages, most of them near the front, where headers are. */
  private static byte[] mutant(byte[] original, SplittableRandom random) {
    byte[] file = original.clone();
    int damages = 1 + random.nextInt(4);
    for (int d = 0; d < damages && file.length > 0; d++) {
      int at = random.nextInt(random.nextBoolean() ? file.length : Math.min(file.length, 2048));
      switch (random.nextInt(9)) {
        case 0 -> file[at] ^= (byte) (1 << random.nextInt(8));
        case 1 -> file[at] = (byte) random.nextInt(256);
        case 2 -> file = Arrays.copyOf(file, at);
        case 3 -> putNumber(file, at, random);
        case 4 -> file = splice(file, at, 0, huge(random));
        case 5 -> file = splice(file, at, Math.min(file.length - at, 1 + random.nextInt(8)), "");
        case 6 -> file = replaceNumber(file, at, huge(random));
        case 7 -> file = splice(file, at, 0, text(file, random));
        default -> file = Arrays.copyOf(file, file.length + random.nextInt(64));
      }
    }
    return file;
  }

  private static String huge(SplittableRandom random) {
    return HUGE[random.nextInt(HUGE.length)];
  }

  private static void putNumber(byte[] file, int at, SplittableRandom random) {
    long[] numbers = {
      0,
      1,
      -1,
      Integer.MAX_VALUE,
      Integer.MIN_VALUE,
      Long.MAX_VALUE,
      Long.MIN_VALUE,
      1L << 32,
      1L << 40,
      100_000_000,
      file.length,
      file.length - 8L,
      random.nextLong()
    };
    long number = numbers[random.nextInt(numbers.length)];
    ByteBuffer buffer = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
    if (at + 8 <= file.length) {
      buffer.putLong(at, number);
    } else if (at + 4 <= file.length) {
      buffer.putInt(at, (int) number);
    }
  }

  /** A piece of the file itself, so that names and fields appear twice. */
  private static String text(byte[] file, SplittableRandom random) {
    int from = random.nextInt(file.length);
    int to = Math.min(file.length, from + random.nextInt(100));
    return new String(file, from, to - from, StandardCharsets.ISO_8859_1);
  }

  /** Puts another value in the place of the next decimal number. */
  private static byte[] replaceNumber(byte[] file, int at, String value) {
    int from = at;
    while (from < file.length && !Character.isDigit(file[from])) {
      from++;
    }
    int to = from;
    while (to < file.length && Character.isDigit(file[to])) {
      to++;
    }
    return splice(file, from, to - from, value);
  }

  private static byte[] splice(byte[] file, int at, int removed, String added) {
    ByteArrayOutputStream out = new ByteArrayOutputStream(file.length + added.length());
    out.write(file, 0, at);
    out.writeBytes(added.getBytes(StandardCharsets.ISO_8859_1));
    out.write(file, at + removed, file.length - at - removed);
    return out.toByteArray();
  }

  /** Writes a new file: to truncate one makes ext4 wait for the disk. */
  private static void replace(Path path, byte[] content) throws IOException {
    Files.deleteIfExists(path);
    Files.write(path, content);
  }

  private void copyAll(String name) throws IOException {
    try (var files = Files.list(Goldens.path(name))) {
      for (Path file : files.toList()) {
        Files.copy(file, folder.resolve(file.getFileName()));
      }
    }
  }
}
