package io.github.ggml4j.trainer.data.internal.rows;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.ggml4j.hub.RangeReader;
import io.github.ggml4j.trainer.data.internal.files.DataFile;
import io.github.ggml4j.trainer.error.DatasetException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Reading a damaged file gives rows or a clear error, and nothing else. */
class MutatedTablesTest {

  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record InMemory(String name, byte[] bytes) implements DataFile {
    @Override
    public RangeReader open() {
      return new RangeReader() {
        @Override
        public String name() {
          return name;
        }

        @Override
        public long size() {
          return bytes.length;
        }

        @Override
        public boolean isRemote() {
          return false;
        }

        @Override
        public int read(long offset, ByteBuffer target) {
          if (offset < 0 || offset > bytes.length - target.remaining()) {
            throw new AssertionError("a read of " + target.remaining() + " bytes at " + offset);
          }
          int count = target.remaining();
          target.put(bytes, (int) offset, count);
          return count;
        }

        @Override
        public void close() {}
      };
    }
  }

  private static byte[] golden(String name) throws IOException {
    try (InputStream in = MutatedTablesTest.class.getResourceAsStream("/golden/tables/" + name)) {
      return in.readAllBytes();
    }
  }

  private static byte[] mutate(byte[] original, SplittableRandom random) {
    byte[] bytes = original.clone();
    for (int i = random.nextInt(1, 4); i > 0; i--) {
      int at = random.nextInt(bytes.length);
      switch (random.nextInt(5)) {
        case 0 -> bytes[at] = (byte) random.nextInt(256);
        case 1 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
        case 2 ->
            bytes[at] =
                "{}[]\",:\n\\ \t0-"
                    .getBytes(java.nio.charset.StandardCharsets.US_ASCII)[random.nextInt(13)];
        case 3 -> {
          int end = Math.min(bytes.length, at + random.nextInt(1, 40));
          Arrays.fill(bytes, at, end, (byte) (random.nextBoolean() ? 0 : -1));
        }
        default -> {
          if (bytes.length > 2) {
            bytes = Arrays.copyOf(bytes, Math.max(1, random.nextInt(bytes.length)));
          }
        }
      }
    }
    return bytes;
  }

  /** Mutates mostly the footer and the page headers, which are the most critical bytes. */
  private static byte[] mutateParquet(byte[] original, SplittableRandom random) {
    if (random.nextInt(4) == 0) {
      return mutate(original, random);
    }
    byte[] bytes = original.clone();
    int footer =
        ByteBuffer.wrap(bytes).order(java.nio.ByteOrder.LITTLE_ENDIAN).getInt(bytes.length - 8);
    for (int i = random.nextInt(1, 4); i > 0; i--) {
      int at = bytes.length - 1 - random.nextInt(footer + 8);
      bytes[at] =
          random.nextBoolean()
              ? (byte) random.nextInt(256)
              : (byte) (bytes[at] ^ 1 << random.nextInt(8));
    }
    return bytes;
  }

  @ParameterizedTest
  @CsvSource({
    "csv,code.csv,20000",
    "json,code.jsonl,20000",
    "json,array.json,2000",
    "json,code.jsonl.gz,2000",
    "json,code.jsonl.zst,2000",
    "parquet,code-snappy.parquet,800",
    "parquet,code-v2.parquet,400",
    "parquet,code-brotli.parquet,400",
    "parquet,code-lz4.parquet,400",
    "parquet,code-index.parquet,400",
    "parquet,code-delta.parquet,400"
  })
  void endInAClearErrorOrInRows(String format, String name, int files) throws IOException {
    byte[] original = golden(name);
    FileFormat table = FileFormat.named(format);
    boolean parquet = table == FileFormat.PARQUET;
    SplittableRandom random = new SplittableRandom(name.hashCode());
    int errors = 0;
    for (int i = 0; i < files; i++) {
      byte[] mutated = parquet ? mutateParquet(original, random) : mutate(original, random);
      int number = i;
      errors +=
          Assertions.assertTimeoutPreemptively(
              Duration.ofSeconds(60),
              () -> read(table, new InMemory(name, mutated)) ? 0 : 1,
              () -> name + ", mutation " + number);
    }
    assertThat(errors).isBetween(files / 10, files - 1);
  }

  private static boolean read(FileFormat format, DataFile file) {
    try (RowReader rows =
        format.file(file).open(List.of("code", "language", "size"), ReadOptions.DEFAULT)) {
      while (rows.next()) {
        rows.value(0);
        rows.value(1);
        rows.value(2);
      }
      return true;
    } catch (DatasetException e) {
      assertThat(e.getMessage()).contains(file.name()).hasSizeLessThan(3000);
      return false;
    }
  }
}
