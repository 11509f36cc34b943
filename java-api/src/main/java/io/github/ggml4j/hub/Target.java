package io.github.ggml4j.hub;

import org.jspecify.annotations.Nullable;

/**
 * What a request is about, for messages.
 *
 * @param repo the repository
 * @param revision the revision, as the user named it; null when it does not matter
 * @param path the path in the repository; null for the repository as a whole
 */
record Target(RepoId repo, @Nullable String revision, @Nullable String path) {
  @Override
  public String toString() {
    return (path == null ? "" : path + " of ")
        + repo
        + (revision == null || revision.equals(HubRepo.MAIN) ? "" : " at " + revision);
  }
}
