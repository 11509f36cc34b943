package io.github.ggml4j.hub;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorCompletionService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** Downloads several files of a commit at the same time. */
final class SnapshotDownload {
  private final HubSettings settings;
  private final Transport transport;
  private final HubCache cache;
  private final RepoId repo;
  private final String revision;
  private final String commit;
  private final Progress progress;

  SnapshotDownload(
      HubSettings settings,
      Transport transport,
      HubCache cache,
      RepoId repo,
      String revision,
      String commit) {
    this.settings = settings;
    this.transport = transport;
    this.cache = cache;
    this.repo = repo;
    this.revision = revision;
    this.commit = commit;
    this.progress = new Progress(settings.progress());
  }

  /** Downloads what is not there; the first failure ends all. */
  void run(Collection<TreeEntry> entries) {
    entries.forEach(entry -> progress.add(entry.path(), entry.size()));
    if (entries.size() == 1) {
      download(entries.iterator().next());
      return;
    }
    var threads = Executors.newFixedThreadPool(settings.parallel(), Thread.ofVirtual().factory());
    List<Future<?>> files = new ArrayList<>();
    try {
      var service = new ExecutorCompletionService<Void>(threads);
      for (TreeEntry entry : entries) {
        files.add(
            service.submit(() -> {
              download(entry);
              return null;
            }));
      }
      for (int i = 0; i < files.size(); i++) {
        service.take().get();
      }
    } catch (InterruptedException e) {
      throw Waiting.interrupted();
    } catch (ExecutionException e) {
      switch (e.getCause()) {
        case CancellationException cancelled -> throw cancelled;
        case RuntimeException failure -> throw failure;
        case Error error -> throw error;
        case null, default -> throw new IllegalStateException(e);
      }
    } finally {
      files.forEach(file -> file.cancel(true));
      threads.close(); // They end at once when they are interrupted
    }
  }

  private void download(TreeEntry entry) {
    var target = new Target(repo, revision, entry.path());
    new FileDownload(settings, transport, cache, target, commit, progress).run();
  }
}
