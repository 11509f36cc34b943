package io.github.ggml4j.hub;

import io.github.ggml4j.internal.Names;
import java.net.URI;
import org.jspecify.annotations.Nullable;

/**
 * Metadata of a file on the Hub, from the headers of its response.
 *
 * @param commit the commit that contains the file
 * @param etag identifies the content: a SHA-256 hash, git's id, or another entity tag
 * @param size in bytes; -1 if the server does not tell it
 * @param location address of the content
 */
record FileMetadata(String commit, String etag, long size, URI location) {

  /** Requests the metadata. */
  static FileMetadata of(HubSettings settings, Transport transport, Target target, String commit) {
    var uri = address(settings, target, commit);
    try (var response = transport.send(Transport.Call.head(uri), target)) {
      var named = response.header("x-repo-commit");
      if (named == null || !HubPaths.isCommitName(named)) {
        throw Failures.badResponse(response.uri(), target, "it names no commit");
      }
      var linked = response.header("x-linked-etag");
      var etag = normalize(linked != null ? linked : response.header("etag"));
      if (!HubPaths.isBlobName(etag)) {
        throw Failures.badResponse(
            response.uri(), target, "its entity tag is " + Names.quote(etag));
      }
      var redirect = response.redirect();
      long size = response.number("x-linked-size");
      if (size < 0 && redirect == null) {
        size = response.number("content-length");
      }
      return new FileMetadata(named, etag, size, redirect != null ? redirect : response.uri());
    }
  }

  static URI address(HubSettings settings, Target target, String commit) {
    return settings.address(
        target.repo().urlPath()
            + "/resolve/"
            + Urls.encode(commit)
            + "/"
            + Urls.encodePath(String.valueOf(target.path())));
  }

  private static String normalize(@Nullable String etag) {
    if (etag == null) {
      return "";
    }
    var strong = etag.startsWith("W/") ? etag.substring(2) : etag;
    return strong.replace("\"", "");
  }
}
