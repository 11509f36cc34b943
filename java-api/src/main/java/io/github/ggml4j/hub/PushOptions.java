package io.github.ggml4j.hub;

import org.jspecify.annotations.Nullable;

/** How {@link HubRepo#pushToHub} publishes a folder. Not thread-safe. */
public final class PushOptions {
  private String message = "Upload model";
  private boolean isPrivate;
  private @Nullable String card;

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

  String message() {
    return message;
  }

  boolean isPrivate() {
    return isPrivate;
  }

  @Nullable String card() {
    return card;
  }
}
