/**
 * The Hugging Face Hub: finds, downloads and publishes models and data sets, and shares the cache
 * folder of Python's {@code huggingface_hub}.
 *
 * <pre>{@code
 * Path folder = Hub.defaults().model("gpt2").downloadModel();
 *
 * Hub hub = Hub.builder().token(token).cache(Path.of("cache")).progress(p -> show(p)).build();
 * HubRepo data = hub.dataset("org/name").revision("refs/convert/parquet");
 * for (HubEntry file : data.list("default/train")) {
 *   try (RangeReader remote = data.open(file.path())) {
 *     remote.read(0, buffer);
 *   }
 * }
 * }</pre>
 *
 * <p>{@link io.github.ggml4j.hub.Hub} is the entry. Everything here may be used from several
 * threads, unless it says otherwise. What goes wrong is a {@link
 * io.github.ggml4j.hub.HubException}, which names the cause and the remedy. A thread that is
 * interrupted while it waits gets a {@link java.util.concurrent.CancellationException} and stays
 * interrupted.
 */
@NullMarked
package io.github.ggml4j.hub;

import org.jspecify.annotations.NullMarked;
