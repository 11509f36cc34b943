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

/** What the Hub's API tells about a repository. */
final class RepoApi {
  private static final int LARGEST_PAGE = 8 << 20; // A thousand files take a twentieth
  private static final int MOST_PAGES = 10_000;
  private static final int MOST_FILES = 1_000_000;
  private static final Pattern NEXT =
      Pattern.compile("<([^<>]{1,8192})>\\s*;[^<>,]*\\brel=\"?next\"?");

  private final HubSettings settings;
  private final Transport transport;

  RepoApi(HubSettings settings, Transport transport) {
    this.settings = settings;
    this.transport = transport;
  }

  /** The commit that a revision stands for now. */
  String commit(RepoId repo, String revision, int retries) {
    var target = new Target(repo, revision, null);
    var uri =
        settings.address(repo.apiPath() + "/revision/" + Urls.encode(revision) + "?expand=sha");
    return read(
        Transport.Call.get(uri),
        target,
        retries,
        (parser, answer) -> {
          var sha = sha(parser);
          if (sha == null || !HubPaths.isCommitName(sha)) {
            throw Failures.nonsense(answer.uri(), target, "it names no commit");
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
      if (!pages.add(page) || pages.size() > MOST_PAGES) {
        throw Failures.nonsense(page, target, "its list of files has no end");
      }
      page =
          read(
              Transport.Call.get(page),
              target,
              settings.retries(),
              (parser, answer) -> {
                readPage(parser, answer.uri(), target, entries);
                return next(answer, target);
              });
    }
    return entries;
  }

  private static void readPage(JsonParser parser, URI uri, Target target, List<TreeEntry> entries) {
    if (parser.nextToken() != JsonToken.START_ARRAY) {
      throw Failures.nonsense(uri, target, "its list of files is none");
    }
    while (parser.nextToken() != JsonToken.END_ARRAY) {
      if (parser.currentToken() == null) {
        throw Failures.nonsense(uri, target, "its list of files breaks off");
      }
      if (!(Json.value(parser, Urls.show(uri)) instanceof Map<?, ?> item)) {
        throw Failures.nonsense(uri, target, "its list of files has something else in it");
      }
      if (!"file".equals(item.get("type"))) {
        continue;
      }
      var entry = TreeEntry.ofApi(item);
      if (entry == null) {
        throw Failures.nonsense(
            uri,
            target,
            "its list of files has the entry "
                + Names.quote(String.valueOf(item.get("path")))
                + " with a path, size or id that cannot be");
      }
      entries.add(entry);
      if (entries.size() > MOST_FILES) {
        throw Failures.nonsense(uri, target, "it lists more than " + MOST_FILES + " files");
      }
    }
  }

  /** The next page, on the same host, since the token goes with the request. */
  private static @Nullable URI next(Response answer, Target target) {
    for (String link : answer.headers().allValues("link")) {
      var matcher = NEXT.matcher(link);
      if (matcher.find()) {
        var next = Urls.resolve(answer.uri(), matcher.group(1));
        if (next == null || !Urls.sameOrigin(next, answer.uri())) {
          throw Failures.nonsense(
              answer.uri(), target, "its next page is on another host or nowhere");
        }
        return next;
      }
    }
    return null;
  }

  private interface Reader<T extends @Nullable Object> {
    T read(JsonParser parser, Response answer);
  }

  /** Reads a JSON answer, and asks again when it breaks off. */
  private <T extends @Nullable Object> T read(
      Transport.Call call, Target target, int retries, Reader<T> reader) {
    for (int attempt = 0; ; attempt++) {
      try (var response = transport.send(call, target, retries)) {
        byte[] json = response.body().readAtMost(LARGEST_PAGE);
        try (InputStream in = new ByteArrayInputStream(json);
            JsonParser parser = Json.parser(in)) {
          return reader.read(parser, response);
        } catch (JacksonException | ModelFormatException e) {
          var failure = Failures.nonsense(response.uri(), target, "what it sends is no JSON");
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
