package io.github.ggml4j.hub;

import io.github.ggml4j.error.InvalidArgumentException;
import io.github.ggml4j.internal.Names;
import java.util.regex.Pattern;

/** Checks names that become paths, so that no path leads out of its folder. */
final class HubPaths {
  private static final Pattern COMMIT = Pattern.compile("[0-9a-f]{40}");
  private static final Pattern FOLDER_NAME = Pattern.compile("[0-9A-Za-z]{1,64}");
  private static final Pattern BLOB_NAME = Pattern.compile("[0-9A-Za-z][0-9A-Za-z._+=-]{0,127}");
  private static final int MAX_LENGTH = 1024;

  private HubPaths() {}

  /** Whether a revision names a commit, whose files never change. */
  static boolean isCommit(String revision) {
    return COMMIT.matcher(revision).matches();
  }

  /** Whether the commit id that a server sent can be the name of a folder. */
  static boolean isCommitName(String commit) {
    return FOLDER_NAME.matcher(commit).matches();
  }

  /** Whether an entity tag can be the name of a file. */
  static boolean isBlobName(String etag) {
    return BLOB_NAME.matcher(etag).matches();
  }

  /** Whether this is a path of a file within a repository. */
  static boolean isInside(String path) {
    if (path.isEmpty() || path.length() > MAX_LENGTH) {
      return false;
    }
    for (String part : path.split("/", -1)) {
      if (part.isEmpty() || part.equals(".") || part.equals("..") || part.length() > 255) {
        return false;
      }
    }
    return path.chars().allMatch(c -> c >= ' ' && c != 0x7f && c != '\\')
        && (path.length() < 2 || path.charAt(1) != ':');
  }

  /**
   * Checks a path that a caller gives.
   *
   * @throws InvalidArgumentException if it leads out of the repository
   */
  static String checkPath(String path) {
    if (!isInside(path)) {
      throw new InvalidArgumentException(
          "path", Names.quote(path), "names separated by '/', such as data/train.json");
    }
    return path;
  }

  /** Checks a branch, tag or commit that a caller gives. */
  static String checkRevision(String revision) {
    boolean usual =
        isInside(revision) && revision.chars().noneMatch(c -> " ~^:?*[".indexOf(c) >= 0);
    if (!usual || revision.contains("..") || revision.endsWith(".lock")) {
      throw new InvalidArgumentException(
          "revision", Names.quote(revision), "the name of a branch or tag, or the id of a commit");
    }
    return revision;
  }
}
