package io.github.ggml4j.benchmarks;

import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Map;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.support.descriptor.ClassSource;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.TestPlan;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;
import tools.jackson.databind.json.JsonMapper;

/**
 * Runs the tests of one class in a JVM of its own, because a test may crash it. Writes each result
 * as a line of JSON as soon as the test ends.
 */
final class TestWorker implements TestExecutionListener {
  /** Most characters of a failure message. */
  private static final int MAX_CHARACTERS = 1000;

  private final Path results;
  private final Map<String, Long> started = new HashMap<>();
  private TestPlan plan;

  private TestWorker(Path results, TestPlan plan) {
    this.results = results;
    this.plan = plan;
  }

  /** Arguments: file for the results, name of the class. */
  public static void main(String[] args) {
    var request = LauncherDiscoveryRequestBuilder.request().selectors(selectClass(args[1])).build();
    var launcher = LauncherFactory.create();
    var plan = launcher.discover(request);
    launcher.execute(plan, new TestWorker(Path.of(args[0]), plan));
    System.exit(0); // ends threads that tests have left running
  }

  @Override
  public void testPlanExecutionStarted(TestPlan started) {
    plan = started;
  }

  @Override
  public void executionStarted(TestIdentifier test) {
    if (test.isTest()) {
      started.put(test.getUniqueId(), System.nanoTime());
      write(test, "started", "");
    }
  }

  @Override
  public void executionSkipped(TestIdentifier test, String reason) {
    write(test, "skipped", reason);
  }

  @Override
  public void executionFinished(TestIdentifier test, TestExecutionResult result) {
    var reason = result.getThrowable().map(TestWorker::describe).orElse("");
    switch (result.getStatus()) {
      case SUCCESSFUL -> {
        if (test.isTest()) {
          write(test, "passed", "");
        }
      }
      case ABORTED -> write(test, "skipped", reason);
      case FAILED -> write(test, "failed", reason);
    }
  }

  private static String describe(Throwable problem) {
    var message = problem.getMessage();
    if (message == null || message.isBlank()) {
      return problem.getClass().getName();
    }
    var text = message.strip().replaceFirst("^Assumption failed: ", "");
    return text.substring(0, Math.min(text.length(), MAX_CHARACTERS));
  }

  private void write(TestIdentifier test, String status, String reason) {
    var line = JsonMapper.shared().createObjectNode();
    line.put("test", name(test));
    line.put("status", status);
    if (!reason.isEmpty()) {
      line.put("reason", reason);
    }
    var start = started.get(test.getUniqueId());
    if (start != null && !status.equals("started")) {
      line.put("milliseconds", (System.nanoTime() - start) / 1_000_000);
    }
    try {
      Files.writeString(results, line + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The name of a test within its class, such as method and arguments. */
  private String name(TestIdentifier test) {
    var names = new ArrayDeque<String>();
    var at = java.util.Optional.of(test);
    while (at.isPresent() && !isClass(at.get())) {
      names.addFirst(at.get().getDisplayName());
      at = plan.getParent(at.get());
    }
    return names.isEmpty() ? "(all)" : String.join(" ", names);
  }

  private static boolean isClass(TestIdentifier test) {
    return test.getSource().filter(ClassSource.class::isInstance).isPresent();
  }
}
