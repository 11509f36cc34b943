package io.github.ggml4j.format.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.ggml4j.format.ModelFormatException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JsonTest {
  @Test
  void valuesArePlainJava() {
    assertThat(
            Json.parseObject(
                """
                {"a": 1, "b": [1.5, true, null, "x"], "c": {"d": 123456789012345678901234}}
                """,
                "test"))
        .hasToString("{a=1, b=[1.5, true, null, x], c={d=123456789012345678901234}}")
        .extractingByKey("c")
        .asInstanceOf(org.assertj.core.api.InstanceOfAssertFactories.MAP)
        .containsEntry("d", new BigInteger("123456789012345678901234"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "[]",
        "1",
        "{",
        "{} {}",
        "{}x",
        "{\"a\":}",
        "{\"a\":1,\"a\":2}",
        "{\"a\":NaN}",
        "{\"a\":1e999}",
        "{'a':1}",
        "{\"a\":01}",
        "{\"a\":\"\n\"}",
        "{\"a\":1,}",
        "{/* no */}"
      })
  void otherTextIsRefused(String text) {
    assertThatThrownBy(() -> Json.parseObject(text, "file.json"))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageStartingWith("file.json");
  }

  @Test
  void depthAndLengthsAreBounded() {
    for (String text :
        new String[] {
          "{\"a\":" + "[".repeat(1_000_000),
          "{\"a\":".repeat(1_000_000),
          "{\"a\":[" + "[],".repeat(1_000_000) + "1]}",
          "{\"a\":" + "1".repeat(100_000) + "}",
          "{\"" + "a".repeat(100_000) + "\":1}",
          "{\"a\":\"" + "b".repeat(5 << 20) + "\"}"
        }) {
      assertThatThrownBy(() -> Json.parseObject(text, "file.json"))
          .isInstanceOf(ModelFormatException.class)
          .message()
          .hasSizeLessThan(500);
    }
  }

  @Test
  void onlyUtf8IsText() {
    for (byte[] bytes :
        new byte[][] {
          {'{', '"', (byte) 0xff, '"', ':', '1', '}'},
          {'{', '"', (byte) 0xc0, (byte) 0x80, '"', ':', '1', '}'},
          {'{', '"', (byte) 0xed, (byte) 0xa0, (byte) 0x80, '"', ':', '1', '}'},
          "{\"a\":1}".getBytes(StandardCharsets.UTF_16LE),
          "{\"a\":1}".getBytes(StandardCharsets.UTF_16)
        }) {
      assertThatThrownBy(() -> Json.parseObject(new ByteArrayInputStream(bytes), "file.json"))
          .isInstanceOf(ModelFormatException.class)
          .hasMessageContaining("file.json");
    }
  }

  @Test
  void hugeAndMissingFilesAreNamed(@TempDir Path folder) throws IOException {
    Path huge = folder.resolve("huge.json");
    try (var channel =
        Files.newByteChannel(
            huge,
            java.nio.file.StandardOpenOption.CREATE,
            java.nio.file.StandardOpenOption.WRITE)) {
      channel.position(Json.MAX_DOCUMENT + 1);
      channel.write(java.nio.ByteBuffer.wrap(new byte[1]));
    }
    assertThatThrownBy(() -> Json.readObject(huge))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("huge.json");
    assertThatThrownBy(() -> Json.readObject(folder.resolve("none.json")))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("none.json");
  }
}
