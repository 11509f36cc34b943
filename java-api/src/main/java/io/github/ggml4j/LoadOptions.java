package io.github.ggml4j;

import io.github.ggml4j.hub.Hub;
import io.github.ggml4j.hub.HubRepo;
import io.github.ggml4j.hub.TransferProgress;
import io.github.ggml4j.tensor.Device;
import java.nio.file.Path;
import java.util.function.Consumer;

/**
 * Options of {@link TextGenerator#load(String, Consumer)}: where the model is loaded from and which
 * device computes. Options of the Hub that are not set have the values of the environment variables
 * of Python's {@code huggingface_hub}. Not thread-safe.
 */
public final class LoadOptions {
  private final Hub.Builder hub = Hub.builder();
  private String revision = HubRepo.MAIN;
  private String device = "auto";
  private int threads;

  LoadOptions() {}

  /** The branch, tag or commit of a model on the Hub. Default: {@code main}. */
  public LoadOptions revision(String value) {
    revision = value;
    return this;
  }

  /** The access token. Default: {@code HF_TOKEN}, else the token saved by a login. */
  public LoadOptions token(String value) {
    hub.token(value);
    return this;
  }

  /** The cache folder. Default: {@code HF_HUB_CACHE}, else {@code hub} in {@code HF_HOME}. */
  public LoadOptions cache(Path folder) {
    hub.cache(folder);
    return this;
  }

  /** The address of the Hub. Default: {@code HF_ENDPOINT}, else the public one. */
  public LoadOptions endpoint(String address) {
    hub.endpoint(address);
    return this;
  }

  /** Whether to use only the cache and no network. Default: {@code HF_HUB_OFFLINE}, else false. */
  public LoadOptions offline(boolean value) {
    hub.offline(value);
    return this;
  }

  /** Sets a listener for the progress of downloads. */
  public LoadOptions progress(Consumer<? super TransferProgress> listener) {
    hub.progress(listener);
    return this;
  }

  /** The device: {@code auto}, {@code cpu} or a GPU such as {@code cuda}. Default: auto. */
  public LoadOptions device(String name) {
    device = name;
    return this;
  }

  /** Number of CPU threads; 0 means one per processor. Default: 0. */
  public LoadOptions threads(int count) {
    threads = count;
    return this;
  }

  Hub hub() {
    return hub.build();
  }

  String revision() {
    return revision;
  }

  Device openDevice() {
    return Device.open(device, threads);
  }
}
