package io.github.ggml4j.hub;

import io.github.ggml4j.format.ModelFormatException;
import io.github.ggml4j.format.internal.Json;
import io.github.ggml4j.internal.Names;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;

/** Requests of the Hub's API about a repository. */
final class RepoApi {
  /** Maximum size of a page of the file list; a page of 1,000 files has about 400 KB. */
  private static final int MAX_PAGE_BYTES = 8 << 20;

  private static final int MAX_PAGES = 10_000;
  private static final int MAX_FILES = 1_000_000;
  private static final Pattern NEXT =
      Pattern.compile("<([^<>]{1,8192})>\\s*;[^<>,]*\\brel=\"?next\"?");

  private final HubSettings settings;
  private final Transport transport;

  RepoApi(HubSettings settings, Transport transport) {
    this.settings = settings;
    this.transport = transport;
  }

  /** The current commit of a revision. */
  String commit(RepoId repo, String revision, int retries) {
    var target = new Target(repo, revision, null);
    var uri =
        settings.address(repo.apiPath() + "/revision/" + Urls.encode(revision) + "?expand=sha");
    return read(
        Transport.Call.get(uri),
        target,
        retries,
        (parser, response) -> {
          var sha = sha(parser);
          if (sha == null || !HubPaths.isCommitName(sha)) {
            throw Failures.badResponse(response.uri(), target, "the response has no commit");
          }
          return sha;
        });
  }

  private static @Nullable String sha(JsonParser parser) {
    if (parser.nextToken() != JsonToken.START_OBJECT) {
      return null;
    }
    while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
      var name = parser.currentName();
      var value = parser.nextToken();
      if (name.equals("sha") && value == JsonToken.VALUE_STRING) {
        return parser.getString();
      }
      parser.skipChildren();
    }
    return null;
  }

  /**
   * All files of a commit under a folder.
   *
   * @param folder empty for all
   */
  List<TreeEntry> tree(RepoId repo, String commit, String revision, String folder) {
    var target = new Target(repo, revision, folder.isEmpty() ? null : folder);
    var uri =
        settings.address(
            repo.apiPath()
                + "/tree/"
                + Urls.encode(commit)
                + (folder.isEmpty() ? "" : "/" + Urls.encodePath(folder))
                + "?recursive=true&expand=false");
    List<TreeEntry> entries = new ArrayList<>();
    Set<URI> pages = new HashSet<>();
    for (URI page = uri; page != null; ) {
      if (!pages.add(page) || pages.size() > MAX_PAGES) {
        throw Failures.badResponse(page, target, "the list of files does not end");
      }
      page =
          read(
              Transport.Call.get(page),
              target,
              settings.retries(),
              (parser, response) -> {
                readPage(parser, response.uri(), target, entries);
                return next(response, target);
              });
    }
    return entries;
  }

  private static void readPage(JsonParser parser, URI uri, Target target, List<TreeEntry> entries) {
    if (parser.nextToken() != JsonToken.START_ARRAY) {
      throw Failures.badResponse(uri, target, "the list of files is not a JSON array");
    }
    while (parser.nextToken() != JsonToken.END_ARRAY) {
      if (parser.currentToken() == null) {
        throw Failures.badResponse(uri, target, "the list of files is cut off");
      }
      if (!(Json.value(parser, Urls.show(uri)) instanceof Map<?, ?> item)) {
        throw Failures.badResponse(
            uri, target, "the list of files has an element that is not an object");
      }
      if (!"file".equals(item.get("type"))) {
        continue;
      }
      var entry = TreeEntry.ofApi(item);
      if (entry == null) {
        throw Failures.badResponse(
            uri,
            target,
            "the list of files has the entry "
                + Names.quote(String.valueOf(item.get("path")))
                + " with an invalid path, size or id");
      }
      entries.add(entry);
      if (entries.size() > MAX_FILES) {
        throw Failures.badResponse(uri, target, "the list has more than " + MAX_FILES + " files");
      }
    }
  }

  /** The URL of the next page. It must be on the same host, because the request has the token. */
  private static @Nullable URI next(Response response, Target target) {
    for (String link : response.headers().allValues("link")) {
      var matcher = NEXT.matcher(link);
      if (matcher.find()) {
        var next = Urls.resolve(response.uri(), matcher.group(1));
        if (next == null || !Urls.sameOrigin(next, response.uri())) {
          throw Failures.badResponse(
              response.uri(), target, "the URL of the next page is invalid or on another host");
        }
        return next;
      }
    }
    return null;
  }

  private interface Reader<T extends @Nullable Object> {
    T read(JsonParser parser, Response response);
  }

  /** Reads a JSON response. Repeats the request if the connection breaks. */
  private <T extends @Nullable Object> T read(
      Transport.Call call, Target target, int retries, Reader<T> reader) {
    for (int attempt = 0; ; attempt++) {
      try (var response = transport.send(call, target, retries)) {
        byte[] json = response.body().readAtMost(MAX_PAGE_BYTES);
        try (InputStream in = new ByteArrayInputStream(json);
            JsonParser parser = Json.parser(in)) {
          return reader.read(parser, response);
        } catch (JacksonException | ModelFormatException e) {
          var failure = Failures.badResponse(response.uri(), target, "the response is not JSON");
          failure.addSuppressed(e);
          throw failure;
        }
      } catch (IOException e) {
        if (Thread.currentThread().isInterrupted()) {
          throw Waiting.interrupted();
        }
        if (attempt >= retries) {
          throw Failures.unreachable(call.uri(), target, e, attempt + 1);
        }
        Waiting.sleep(Waiting.backoff(settings.retryDelay(), attempt));
      }
    }
  }
}
