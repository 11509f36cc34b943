package io.github.ggml4j.hub;

import io.github.ggml4j.internal.Names;
import java.util.regex.Pattern;

/** Checks names that become paths: nothing that leads out of a folder comes through. */
final class HubPaths {
  private static final Pattern COMMIT = Pattern.compile("[0-9a-f]{40}");
  private static final Pattern FOLDER_NAME = Pattern.compile("[0-9A-Za-z]{1,64}");
  private static final Pattern BLOB_NAME = Pattern.compile("[0-9A-Za-z][0-9A-Za-z._+=-]{0,127}");
  private static final int LONGEST = 1024;

  private HubPaths() {}

  /** Whether a revision names a commit, whose files never change. */
  static boolean isCommit(String revision) {
    return COMMIT.matcher(revision).matches();
  }

  /** Whether what a server calls a commit may name a folder. */
  static boolean isCommitName(String commit) {
    return FOLDER_NAME.matcher(commit).matches();
  }

  /** Whether an entity tag may name a file. */
  static boolean isBlobName(String etag) {
    return BLOB_NAME.matcher(etag).matches();
  }

  /** Whether this is a path of a file within a repository. */
  static boolean isInside(String path) {
    if (path.isEmpty() || path.length() > LONGEST) {
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
   * @throws IllegalArgumentException for one that leads out of the repository
   */
  static String checkPath(String path) {
    if (!isInside(path)) {
      throw new IllegalArgumentException(
          Names.quote(path)
              + " is no path in a repository; expected names with '/' between them, as in"
              + " data/train.json");
    }
    return path;
  }

  /** Checks a branch, tag or commit that a caller gives. */
  static String checkRevision(String revision) {
    boolean usual =
        isInside(revision) && revision.chars().noneMatch(c -> " ~^:?*[".indexOf(c) >= 0);
    if (!usual || revision.contains("..") || revision.endsWith(".lock")) {
      throw new IllegalArgumentException(
          Names.quote(revision)
              + " is no revision; expected the name of a branch or tag, or a commit's id");
    }
    return revision;
  }
}
