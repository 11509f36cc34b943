package io.github.ggml4j.hub;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A file in a list of files.
 *
 * @param gitId git's id of the file, or of the pointer to large file storage
 * @param sha256 of a file in large file storage
 * @param xetHash of a file in chunked storage; kept for Python, unused here
 */
record TreeEntry(
    String path, long size, String gitId, @Nullable String sha256, @Nullable String xetHash) {
  private static final Pattern SHA256 = Pattern.compile("[0-9a-f]{64}");

  HubEntry toHubEntry() {
    return new HubEntry(path, size, sha256 == null ? gitId : sha256);
  }

  /** From the API's answer; null when it makes no sense. */
  static @Nullable TreeEntry ofApi(Map<?, ?> item) {
    String sha256 = null;
    Object size = item.get("size");
    if (item.get("lfs") instanceof Map<?, ?> lfs) {
      if (!(lfs.get("oid") instanceof String oid)) {
        return null;
      }
      sha256 = oid.startsWith("sha256:") ? oid.substring(7) : oid;
      size = lfs.get("size") instanceof Long large ? large : size;
    }
    return of(item.get("path"), size, item.get("oid"), sha256, item.get("xetHash"));
  }

  /** From the list in the cache; null when it makes no sense. */
  static @Nullable TreeEntry ofCache(String path, Map<?, ?> item) {
    Object size = item.get("lfs_size") instanceof Long large ? large : item.get("size");
    return of(path, size, item.get("blob_id"), item.get("lfs_sha256"), item.get("xet_hash"));
  }

  private static @Nullable TreeEntry of(
      @Nullable Object path,
      @Nullable Object size,
      @Nullable Object gitId,
      @Nullable Object sha256,
      @Nullable Object xetHash) {
    if (!(path instanceof String name)
        || !(size instanceof Long bytes)
        || !(gitId instanceof String id)
        || !HubPaths.isInside(name)
        || bytes < 0
        || !HubPaths.isBlobName(id)
        || !(sha256 == null || isSha256(sha256))) {
      return null;
    }
    return new TreeEntry(
        name, bytes, id, (String) sha256, isSha256(xetHash) ? (String) xetHash : null);
  }

  private static boolean isSha256(@Nullable Object value) {
    return value instanceof String text && SHA256.matcher(text).matches();
  }

  /** As Python keeps it in the cache. */
  Map<String, Object> toCache() {
    Map<String, Object> item = new LinkedHashMap<>();
    item.put("size", size);
    item.put("blob_id", gitId);
    if (sha256 != null) {
      item.put("lfs_sha256", sha256);
      item.put("lfs_size", size);
    }
    if (xetHash != null) {
      item.put("xet_hash", xetHash);
    }
    return item;
  }
}
