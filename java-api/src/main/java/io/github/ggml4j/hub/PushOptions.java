package io.github.ggml4j.hub;

import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** How {@link HubRepo#pushToHub} publishes a folder. Not thread-safe. */
public final class PushOptions {
  private String message = "Upload model";
  private boolean isPrivate;
  private @Nullable String card;

  private Consumer<? super TransferProgress> progress = _ -> {};

  PushOptions() {}

  /** The first line of the commit's message. Default: {@code Upload model}. */
  public PushOptions message(String value) {
    message = value;
    return this;
  }

  /** Whether a repository that this creates is private. Default: false. */
  public PushOptions isPrivate(boolean value) {
    isPrivate = value;
    return this;
  }

  /**
   * The model card, in Markdown. Default: the folder's {@code README.md}; without one, and when the
   * repository has none either, a short card that tells what the model is.
   */
  public PushOptions card(String markdown) {
    card = markdown;
    return this;
  }

  /**
   * Is told how far the upload is, one call at a time. Only files that are kept apart from the
   * commit count, as all large ones are. An exception that it throws ends the upload.
   */
  public PushOptions progress(Consumer<? super TransferProgress> listener) {
    progress = listener;
    return this;
  }

  String message() {
    return message;
  }

  boolean isPrivate() {
    return isPrivate;
  }

  Consumer<? super TransferProgress> progress() {
    return progress;
  }

  @Nullable String card() {
    return card;
  }
}
