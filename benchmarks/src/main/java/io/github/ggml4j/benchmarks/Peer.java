package io.github.ggml4j.benchmarks;

import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * A PyTorch process: {@code pytorch_peer.py} answers each line of JSON with a line of JSON. One
 * process serves all measurements, because importing PyTorch takes longer than most of them.
 */
final class Peer implements AutoCloseable {
  private static final String END = "";
  private static final Duration START = Duration.ofMinutes(2);

  private final Process process;
  private final BufferedWriter requests;
  private final BlockingQueue<String> answers = new LinkedBlockingQueue<>();

  private Peer(Process process) {
    this.process = process;
    this.requests = process.outputWriter();
    var reader = process.inputReader();
    Thread.ofVirtual().start(() -> read(reader));
  }

  private void read(BufferedReader reader) {
    try {
      for (var line = reader.readLine(); line != null; line = reader.readLine()) {
        answers.add(line);
      }
    } catch (IOException e) {
      // as its end
    }
    answers.add(END);
  }

  /**
   * Starts the process.
   *
   * @throws IOException if there is no Python or no PyTorch; the message contains the output
   */
  static Peer start(Pack pack, Path model, String device) throws IOException {
    var python = System.getenv().getOrDefault("PYTHON", "python3");
    var script = pack.peers().resolve("pytorch_peer.py").toString();
    var command = List.of(python, script, "--model", model.toString(), "--device", device);
    Process process;
    try {
      process = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    } catch (IOException e) {
      throw new IOException(
          "There is no program " + python + "; set the environment variable PYTHON to another one",
          e);
    }
    var peer = new Peer(process);
    var ready = peer.answer(START);
    if (ready == null || ready.has("problem")) {
      peer.close();
      throw new IOException(ready == null ? "it did not start" : ready.get("problem").asString());
    }
    return peer;
  }

  /** The answer to a request: a measurement, or an object with {@code problem}. */
  JsonNode ask(ObjectNode request, Duration time) {
    try {
      requests.write(request + "\n");
      requests.flush();
      var answer = answer(time);
      if (answer == null) {
        close(); // a late answer would be taken for the answer to the next request
        return problem("stopped: the time was over");
      }
      return answer;
    } catch (IOException e) {
      return problem("PyTorch's process has ended");
    }
  }

  private @Nullable JsonNode answer(Duration time) {
    try {
      var line = answers.poll(Math.max(1, time.toMillis()), TimeUnit.MILLISECONDS);
      if (line == null) {
        return null;
      }
      return line.equals(END)
          ? problem("PyTorch's process has ended")
          : JsonMapper.shared().readTree(line);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return null;
    }
  }

  private static ObjectNode problem(String text) {
    return JsonMapper.shared().createObjectNode().put("problem", text);
  }

  @Override
  public void close() {
    process.destroyForcibly();
  }
}
