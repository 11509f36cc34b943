package io.github.ggml4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.ggml4j.hub.TransferProgress;
import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;

class TransferLineTest {
  private static String shown(boolean terminal) throws InterruptedException {
    var out = new StringWriter();
    var line = new TransferLine("Uploading", new PrintWriter(out), terminal);
    Thread.sleep(120); // longer than the interval of a terminal, shorter than that of a log
    for (int i = 1; i <= 1000; i++) {
      line.accept(new TransferProgress("m.bin", i * 1000L, 1_000_000, i * 1000L, 1_000_000, 0, 1));
    }
    line.accept(new TransferProgress("m.bin", 1_000_000, 1_000_000, 1_000_000, 1_000_000, 1, 1));
    return out.toString();
  }

  @Test
  void aTerminalShowsOneOverwrittenLine() throws InterruptedException {
    assertThat(shown(true))
        .startsWith("\rUploading m.bin: 0.0 of 1.0 MB (0%)")
        .contains("\rUploading m.bin: 1.0 of 1.0 MB (100%)")
        .endsWith("\n")
        .containsOnlyOnce("\n");
  }

  @Test
  void aQuickTransferIsNotLogged() throws InterruptedException {
    assertThat(shown(false)).isEmpty();
  }
}
