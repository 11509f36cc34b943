package io.github.ggml4j.trainer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.ggml4j.TextGenerator;
import io.github.ggml4j.model.Gpt2Config;
import io.github.ggml4j.model.Gpt2Model;
import io.github.ggml4j.tensor.Device;
import io.github.ggml4j.trainer.data.Dataset;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Native memory, threads and mappings are released. */
class NativeMemoryTest {
  private static final int WARM_UP = 400;
  private static final int ROUNDS = 1_000;
  private static final Path SELF = Path.of("/proc/self");

  /**
   * Runs in a separate process whose JVM soon has a constant memory use: with the C1 compiler only,
   * and a heap that is touched at the start.
   */
  private static final List<String> STEADY =
      List.of(
          "-XX:TieredStopAtLevel=1",
          "-XX:+UseSerialGC",
          "-Xms96m",
          "-Xmx96m",
          "-XX:+AlwaysPreTouch");

  @Test
  void staysFlatOverLoadsGenerationsTrainingsAndCloses(@TempDir Path folder) throws Exception {
    assumeTrue(Files.exists(SELF.resolve("status")), "only Linux tells a process its memory");
    var log = folder.resolve("log");
    var process =
        ChildJvm.of(Rounds.class, log, STEADY, List.of(folder.resolve("models").toString()))
            .start();
    try {
      assertThat(process.waitFor(5, TimeUnit.MINUTES)).as("ends").isTrue();
      assertThat(process.exitValue()).as(() -> ChildJvm.readLog(log)).isZero();
    } finally {
      process.destroyForcibly();
    }
  }

  /** The process: fails when it has grown. */
  static final class Rounds {
    private static final Dataset DOCUMENTS = TestModels.documents(2);

    private Rounds() {}

    public static void main(String[] args) throws IOException {
      var folder = Path.of(args[0]);
      var models = List.of(folder.resolve("tiny.gguf"), folder.resolve("tiny"));
      write(models);
      run(WARM_UP, models);
      var before = Usage.now();
      run(ROUNDS, models);
      var after = Usage.now();
      // Allows for the JIT compiler. A leak of weights, a cache or a graph per round is much
      // larger.
      if (before.allocated().isPresent()) {
        assertThat(after.allocated().getAsLong() - before.allocated().getAsLong())
            .as("bytes allocated, %s to %s", before, after)
            .isLessThan(1_500L * ROUNDS);
      }
      assertThat(after.resident() - before.resident())
          .as("bytes resident, %s to %s", before, after)
          .isLessThan(4L << 20);
      assertThat(after.threads()).as("threads").isLessThanOrEqualTo(before.threads());
      assertThat(after.models()).as("mapped models").isZero();
    }

    private static void write(List<Path> models) {
      var config =
          Gpt2Config.builder()
              .vocabSize(257)
              .nPositions(32)
              .nEmbd(16)
              .nLayer(2)
              .nHead(2)
              .bosTokenId(256)
              .eosTokenId(256)
              .build();
      try (var model = Gpt2Model.random(config, Device.cpu(1), 3)) {
        models.forEach(path -> new ModelOutput(path).save(model, TestModels.tokenizer()));
      }
    }

    private static void run(int count, List<Path> models) {
      for (int i = 0; i < count; i++) {
        Device.cpu(3).close();
        var path = models.get(i / 2 % 2).toString();
        try (var generator = TextGenerator.load(path, Device.cpu(1))) {
          generator.generate("the cat", g -> g.doSample(false).maxNewTokens(2));
          generator.generate("a", g -> g.maxNewTokens(2).numReturnSequences(2).seed(1));
          if (i % 10 == 0) {
            Trainer.of(generator.model(), generator.tokenizer())
                .maxSequenceLength(16)
                .batchSize(2)
                .maxSteps(1)
                .fit(DOCUMENTS);
          }
        }
      }
    }
  }

  /**
   * The resources of the process.
   *
   * @param resident bytes in memory
   * @param allocated bytes handed out by malloc and not freed, where the C library counts them
   * @param threads running
   * @param models mappings of model files
   */
  private record Usage(long resident, OptionalLong allocated, int threads, long models) {
    static Usage now() throws IOException {
      System.gc();
      try (var maps = Files.lines(SELF.resolve("maps"))) {
        return new Usage(
            status("VmRSS:") << 10,
            allocatedBytes(),
            Math.toIntExact(status("Threads:")),
            maps.filter(line -> line.endsWith(".gguf") || line.endsWith(".safetensors")).count());
      }
    }

    private static long status(String key) throws IOException {
      return Files.readAllLines(SELF.resolve("status")).stream()
          .filter(line -> line.startsWith(key))
          .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
          .findFirst()
          .orElseThrow();
    }

    /** By glibc's mallinfo2: blocks in use, and blocks mapped on their own. */
    private static OptionalLong allocatedBytes() {
      var linker = Linker.nativeLinker();
      var function = linker.defaultLookup().find("mallinfo2");
      if (function.isEmpty()) {
        return OptionalLong.empty();
      }
      var numbers = MemoryLayout.sequenceLayout(10, ValueLayout.JAVA_LONG);
      var mallinfo =
          linker.downcallHandle(
              function.get(), FunctionDescriptor.of(MemoryLayout.structLayout(numbers)));
      try (var arena = Arena.ofConfined()) {
        var info = (MemorySegment) mallinfo.invokeExact((SegmentAllocator) arena);
        long mapped = info.getAtIndex(ValueLayout.JAVA_LONG, 4);
        long used = info.getAtIndex(ValueLayout.JAVA_LONG, 7);
        return OptionalLong.of(mapped + used);
      } catch (Throwable e) {
        throw new IllegalStateException("mallinfo2", e);
      }
    }
  }
}
