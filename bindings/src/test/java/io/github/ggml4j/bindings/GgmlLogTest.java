package io.github.ggml4j.bindings;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;

class GgmlLogTest {
  private static final int DEBUG = 1;
  private static final int INFO = 2;
  private static final int WARN = 3;
  private static final int ERROR = 4;
  private static final int CONT = 5;

  private final List<String> records = Collections.synchronizedList(new ArrayList<>());
  private final GgmlLog log = new GgmlLog((level, line) -> records.add(level + " " + line));

  @Test
  void mapsLevelsAndLogsInformationAsDebug() {
    log.accept(ERROR, "broken\n");
    log.accept(WARN, "odd\n");
    log.accept(INFO, "found a device\n");
    log.accept(DEBUG, "every node\n");
    assertThat(records)
        .containsExactly("ERROR broken", "WARNING odd", "DEBUG found a device", "TRACE every node");
  }

  @Test
  void joinsPiecesAndSplitsLines() {
    log.accept(WARN, "one ");
    log.accept(CONT, "two");
    log.accept(CONT, ".\nthree\n\nfo");
    log.accept(CONT, "ur\n");
    assertThat(records).containsExactly("WARNING one two.", "WARNING three", "WARNING four");
  }

  @Test
  void doesNotMixThreads() throws InterruptedException {
    log.accept(WARN, "main ");
    Thread other = new Thread(() -> log.accept(ERROR, "other\n"));
    other.start();
    other.join();
    log.accept(CONT, "goes on\n");
    assertThat(records).containsExactly("ERROR other", "WARNING main goes on");
  }

  @Test
  void keepsTheLastLinesForErrorMessages() {
    for (int i = 0; i < 30; i++) {
      log.accept(INFO, "line " + i + "\n");
    }
    assertThat(log.drain()).hasSize(20).endsWith("line 29");
    assertThat(log.drain()).isEmpty();
  }
}
