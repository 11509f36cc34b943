package io.github.ggml4j.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.ggml4j.hub.HubException.Reason;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Folders are published to a server that speaks the protocol. */
class PushToHubTest {
  private static final Comparator<TransferProgress> BY_BYTES =
      Comparator.comparingLong(TransferProgress::bytes);

  @TempDir Path temp;
  private final FakeHub server = new FakeHub();
  private final FakePush received = new FakePush(server);
  private final byte[] weights = new byte[100_001];

  @BeforeEach
  void folder() throws IOException {
    new Random(1).nextBytes(weights);
    Files.createDirectories(temp.resolve("model/.git"));
    Files.writeString(
        temp.resolve("model/config.json"), "{\"model_type\": \"gpt2\", \"n_layer\": 2}");
    Files.writeString(temp.resolve("model/empty.bin"), "");
    Files.writeString(temp.resolve("model/.git/config"), "secret");
    Files.writeString(temp.resolve("model/part.incomplete"), "not for others");
    Files.createDirectories(temp.resolve("model/checkpoint-500"));
    Files.writeString(temp.resolve("model/checkpoint-500/optimizer.safetensors"), "nor this");
    Files.write(temp.resolve("model/weights.bin"), weights);
    server.faults.add(received);
  }

  @AfterEach
  void stop() {
    server.close();
  }

  private HubRepo repo() {
    return server.client(temp.resolve("cache")).token(FakeHub.TOKEN).build().model("org/name");
  }

  @Test
  void smallAndLargeFilesArrive() {
    var pushed = repo().pushToHub(temp.resolve("model"), p -> p.message("First").isPrivate(true));
    assertThat(pushed).isEqualTo(new PushedCommit(FakeHub.COMMIT, "http://page"));
    assertThat(received.created.getFirst()).contains("\"private\"").contains("\"org\"");
    assertThat(received.committed)
        .containsOnlyKeys("README.md", "config.json", "empty.bin", "weights.bin")
        .containsEntry("weights.bin", weights);
    assertThat(text("README.md")).startsWith("---\n").contains("| 2 |").contains("gpt2");
    assertThat(received.verified).hasSize(1);
    assertThat(server.requests)
        .filteredOn(r -> r.host().startsWith("localhost"))
        .isNotEmpty()
        .noneMatch(FakeHub.Request::authorized);
    assertThat(server.requests)
        .filteredOn(r -> r.host().startsWith("127.0.0.1"))
        .allMatch(FakeHub.Request::authorized);
  }

  @Test
  void largeFilesGoInPartsWhenTheServerAsks() {
    received.chunkSize = 30_000;
    repo().pushToHub(temp.resolve("model"), p -> p.card("mine"));
    assertThat(received.committed).containsEntry("weights.bin", weights);
    assertThat(server.count("PUT", "/upload/")).isEqualTo(4);
    assertThat(text("README.md")).isEqualTo("mine");
    repo().pushToHub(temp.resolve("model")); // The repository is there, and the large file too
    assertThat(server.count("PUT", "/upload/")).isEqualTo(4);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 30_000})
  void theListenerIsToldHowFarAnUploadIs(int chunkSize) {
    received.chunkSize = chunkSize;
    List<TransferProgress> told = Collections.synchronizedList(new ArrayList<>());
    repo().pushToHub(temp.resolve("model"), p -> p.progress(told::add));
    assertThat(told).hasSizeGreaterThan(4).isSortedAccordingTo(BY_BYTES);
    assertThat(told.getFirst().bytes()).isLessThan(weights.length / 2);
    assertThat(told.getLast())
        .isEqualTo(
            new TransferProgress(
                "weights.bin",
                weights.length,
                weights.length,
                weights.length,
                weights.length,
                1,
                1));
  }

  @Test
  void uploadsAreTriedAgain() {
    server.faults.remove(received);
    server.failNext(2, "/upload/", 500);
    server.failNext(1, "/commit/", 503, "Retry-After", "0");
    server.faults.add(received);
    repo().pushToHub(temp.resolve("model"));
    assertThat(received.committed).containsEntry("weights.bin", weights);
  }

  @Test
  void withoutATokenNothingIsSent() {
    var anonymous = server.client(temp).anonymous().build().model("org/name");
    assertThatThrownBy(() -> anonymous.pushToHub(temp.resolve("model")))
        .hasMessageContaining("HF_TOKEN")
        .extracting(e -> ((HubException) e).reason())
        .isEqualTo(Reason.UNAUTHORIZED);
    assertThatThrownBy(() ->
            server.client(temp).token("t").build().model("x").pushToHub(temp.resolve("model")))
        .hasMessageContaining("account");
    assertThat(server.requests).isEmpty();
  }

  private String text(String path) {
    return new String(Objects.requireNonNull(received.committed.get(path)), StandardCharsets.UTF_8);
  }
}
