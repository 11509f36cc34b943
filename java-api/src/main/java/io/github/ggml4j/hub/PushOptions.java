package io.github.ggml4j.hub;

import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Options of {@link HubRepo#pushToHub}. Not thread-safe. */
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

  /** Whether the repository is private if it is created. Default: false. */
  public PushOptions isPrivate(boolean value) {
    isPrivate = value;
    return this;
  }

  /**
   * The model card in Markdown. Default: the folder's {@code README.md}. If neither the folder nor
   * the repository has one, a short card that describes the model.
   */
  public PushOptions card(String markdown) {
    card = markdown;
    return this;
  }

  /**
   * A listener of the progress; it is never called by two threads at once. Only files of Git LFS,
   * which all large files are, count. An exception of the listener cancels the upload.
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
