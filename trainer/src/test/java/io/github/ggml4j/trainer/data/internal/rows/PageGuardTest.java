package io.github.ggml4j.trainer.data.internal.rows;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.ggml4j.trainer.error.DatasetException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class PageGuardTest {
  private static final int MAX_PAGE = 1 << 20;

  /** Header and content of a data page, in Thrift's compact encoding. */
  private static byte[] page(int uncompressed, int content, int values) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    field(out, 0);
    field(out, uncompressed);
    field(out, content);
    out.write(0x2C); // field 5, a struct
    field(out, values);
    out.write(0);
    out.write(0);
    out.writeBytes(new byte[Math.max(0, content)]);
    return out.toByteArray();
  }

  /** The next field, a number. */
  private static void field(ByteArrayOutputStream out, int value) {
    out.write(0x15);
    long zigzag = (((long) value << 1) ^ (value >> 31)) & 0xFFFFFFFFL;
    while (zigzag >= 0x80) {
      out.write((int) ((zigzag & 0x7F) | 0x80));
      zigzag >>>= 7;
    }
    out.write((int) zigzag);
  }

  private static byte[] join(byte[]... parts) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      out.writeBytes(part);
    }
    return out.toByteArray();
  }

  private static void check(byte[] chunk, int piece, List<Long> more) throws IOException {
    PageGuard guard = new PageGuard("a.parquet", "code", 0, chunk.length, 100, MAX_PAGE);
    for (int from = 0; from < chunk.length; from += piece) {
      guard.check(
          from,
          ByteBuffer.wrap(chunk, from, Math.min(piece, chunk.length - from)).slice(),
          (offset, length) -> {
            more.add(offset);
            return ByteBuffer.wrap(chunk, (int) offset, length).slice();
          });
    }
  }

  @Test
  void pagesOfUsualSizesPassInPiecesOfAnySize() throws IOException {
    byte[] chunk = join(page(1000, 300, 50), page(MAX_PAGE, 200, 50), page(5, 5, 0));
    for (int piece = 1; piece <= chunk.length; piece++) {
      check(chunk, piece, new ArrayList<>());
    }
    List<Long> more = new ArrayList<>();
    check(chunk, chunk.length, more);
    assertThat(more).isEmpty();
  }

  @Test
  void aPageTooLargeForTheHeapIsRefusedBeforeItIsDecoded() {
    assertThatThrownBy(
            () -> check(join(page(10, 10, 1), page(MAX_PAGE + 1, 10, 1)), 1000, List.of()))
        .isInstanceOf(DatasetException.class)
        .hasMessageContaining("a.parquet, column \"code\"")
        .hasMessageContaining("1,048,577 bytes")
        .hasMessageContaining("-Xmx");
  }

  @Test
  void invalidHeadersAreDamage() {
    for (byte[] chunk :
        List.of(
            page(-1, 10, 1),
            page(10, -5, 1),
            page(10, 10, -1),
            page(10, 10, 101),
            join(page(10, 10, 1), new byte[] {(byte) 0xFF, 1, 2}),
            join(page(10, 10, 1), new byte[] {0x15}))) {
      assertThatThrownBy(() -> check(chunk, 1000, new ArrayList<>()))
          .isInstanceOf(DatasetException.class)
          .hasMessageContaining("damaged");
    }
    byte[] cut = page(10, 10, 1);
    assertThatThrownBy(() -> check(Arrays.copyOf(cut, cut.length - 1), 1000, new ArrayList<>()))
        .hasMessageContaining("damaged");
  }

  @Test
  void otherChunksAreNotChecked() {
    PageGuard guard = new PageGuard("a.parquet", "code", 100, 50, 100, MAX_PAGE);
    byte[] noise = new byte[1000];
    Arrays.fill(noise, (byte) 0xFF);

    assertThatCode(() -> guard.check(150, ByteBuffer.wrap(noise), (_, _) -> ByteBuffer.wrap(noise)))
        .doesNotThrowAnyException();
  }
}
