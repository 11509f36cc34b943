package io.github.ggml4j.bindings;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ManifestTest {
  private static final String HASH = "0123456789abcdef".repeat(4);

  @Test
  void readsPropertiesAndFiles() {
    Manifest manifest =
        Manifest.parse(
            "platform=linux-x86_64\nbuild=release\nfile=" + HASH + " 12 liba.so.0\n", "here");
    assertThat(manifest.platform()).isEqualTo("linux-x86_64");
    assertThat(manifest.properties()).containsEntry("build", "release");
    assertThat(manifest.files()).containsExactly(new Manifest.Entry("liba.so.0", 12, HASH));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "no equals sign",
        "platform=linux-x86_64",
        "platform=linux-x86_64\nfile=abc 12 liba.so",
        "platform=linux-x86_64\nfile=HASH -1 liba.so",
        "platform=linux-x86_64\nfile=HASH 99999999999999999999 liba.so",
        "platform=linux-x86_64\nfile=HASH 12 ../liba.so",
        "platform=linux-x86_64\nfile=HASH 12 .hidden",
        "platform=linux-x86_64\nfile=HASH 12 a/b",
        "file=HASH 12 liba.so"
      })
  void refusesMalformedManifestsAndNamesTheirOrigin(String text) {
    assertThatThrownBy(() -> Manifest.parse(text.replace("HASH", HASH), "the-origin"))
        .isInstanceOf(NativeLibraryException.class)
        .hasMessageContaining("the-origin");
  }
}
