package io.github.ggml4j.hub;

import java.nio.file.Path;
import java.util.List;

/**
 * The files of a repository at a revision, as far as reading them goes. {@link HubRepo} is the one
 * on the Hub; tests and mirrors may have their own.
 */
public interface RemoteRepo {
  /** Its name, as in {@code org/name}. */
  String id();

  /**
   * The files under a folder, however deep, in the order of their paths. Folders are no entries.
   *
   * @param folder a path in the repository, with {@code /} between folders; empty for everything
   * @throws HubException when the repository, the revision or the folder does not exist, cannot be
   *     reached, or needs a token
   */
  List<HubEntry> list(String folder);

  /**
   * Opens a file to read pieces of it, without downloading it as a whole.
   *
   * @param path a path in the repository, with {@code /} between folders
   * @throws HubException when it does not exist, cannot be reached, or needs a token
   */
  RemoteFile open(String path);

  /**
   * The path of a file in the cache, after downloading it where it is not there yet.
   *
   * @param path a path in the repository, with {@code /} between folders
   * @throws HubException when it does not exist, cannot be reached, needs a token, or is damaged on
   *     the way
   */
  Path file(String path);
}
