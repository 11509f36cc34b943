package io.github.ggml4j.format.tensorflow;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What Google's snappy (python-snappy 0.7) makes of texts, and what it never makes. */
class SnappyTest {
  @ParameterizedTest
  @CsvSource({
    "1f0061760100, 31, a",
    "8807005cfe3101fe3101fe3101, 0, b",
  })
  void copiesOverlap(String hex, int length, String letter) {
    byte[] decoded = Snappy.decode(HexFormat.of().parseHex(hex), 1000);
    if (length == 0) {
      assertThat(decoded).isNull(); // copies from before the beginning
    } else {
      assertThat(decoded).isEqualTo(letter.repeat(length).getBytes(StandardCharsets.ISO_8859_1));
    }
  }

  @Test
  void longLiteralsAndLimits() {
    byte[] text = new byte[300];
    new SplittableRandom(1).nextBytes(text);
    byte[] coded = new byte[305];
    coded[0] = (byte) 0xac; // 300
    coded[1] = 2;
    coded[2] = (byte) (61 << 2); // a literal with its length in two bytes
    coded[3] = 43; // 299
    coded[4] = 1;
    System.arraycopy(text, 0, coded, 5, 300);
    assertThat(Snappy.decode(coded, 300)).isEqualTo(text);
    assertThat(Snappy.decode(coded, 299)).isNull();
    coded[1] = 3;
    assertThat(Snappy.decode(coded, 1000)).isNull();
  }

  @Test
  void damagedBytesAreNoException() {
    SplittableRandom random = new SplittableRandom(2);
    for (int i = 0; i < 20_000; i++) {
      byte[] bytes = new byte[random.nextInt(40)];
      random.nextBytes(bytes);
      byte[] decoded = Snappy.decode(bytes, 1 << 20);
      assertThat(decoded == null || decoded.length <= 22 * bytes.length).isTrue();
    }
  }
}
