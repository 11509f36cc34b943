package io.github.ggml4j.hub;

import io.github.ggml4j.hub.HubException.Reason;
import io.github.ggml4j.internal.Names;
import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.UnknownHostException;
import java.net.http.HttpTimeoutException;
import java.nio.channels.UnresolvedAddressException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Path;
import java.util.Locale;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/** Creates exceptions for failures of servers, networks and disks, with cause and remedy. */
final class Failures {
  static final String LOG_IN =
      "Set HF_TOKEN to an access token, log in once with Python's 'hf auth login', or give a token"
          + " in the options.";
  private static final int MAX_BODY = 2048;

  /** Start of the JDK client's message if a proxy refuses to connect to a host. */
  private static final String TUNNEL_FAILED = "Tunnel failed";

  private Failures() {}

  /** The exception for a response with an error status. */
  static HubException ofStatus(Response response, Target target, boolean hasToken) {
    int status = response.status();
    var code = response.header("x-error-code");
    var message = response.header("x-error-message");
    var said = said(message, response);
    if (code != null) {
      switch (code) {
        case "RepoNotFound":
          return repoNotFound(target, hasToken, said);
        case "RevisionNotFound":
          return new HubException(
              Reason.REVISION_NOT_FOUND,
              target.repo()
                  + " has no revision "
                  + Names.quote(String.valueOf(target.revision()))
                  + ". Give a branch, a tag or a commit of it, or leave the revision out.");
        case "EntryNotFound":
          return entryNotFound(target);
        case "GatedRepo":
          return gated(response.uri(), target, hasToken);
        default:
          break;
      }
    }
    return switch (status) {
      case 401 -> {
        if (message != null && message.toLowerCase(Locale.ROOT).contains("invalid")) {
          yield new HubException(
              Reason.UNAUTHORIZED,
              target
                  + ": the server does not accept the access token"
                  + said
                  + ". It may have expired: make a new one. "
                  + LOG_IN);
        }
        yield repoNotFound(target, hasToken, said);
      }
      case 403 ->
          new HubException(
              Reason.UNAUTHORIZED,
              target
                  + ": the server forbids this"
                  + said
                  + ". "
                  + (hasToken ? "Check the permissions of the access token." : LOG_IN));
      case 404 ->
          target.path() == null ? repoNotFound(target, hasToken, said) : entryNotFound(target);
      case 407 ->
          new HubException(
              Reason.PROXY,
              target
                  + ": the proxy requires a user name and a password. Set HTTPS_PROXY (HTTP_PROXY for"
                  + " HTTP URLs) to http://name:password@host:port. For HTTPS, also start Java with"
                  + " -Djdk.http.auth.tunneling.disabledSchemes= (empty).");
      case 429 ->
          new HubException(
              Reason.RATE_LIMITED,
              target
                  + ": the server limits the number of requests"
                  + said
                  + ". Try again later"
                  + (hasToken ? "." : ", or use an access token, which has a higher limit."));
      default ->
          new HubException(
              Reason.SERVER,
              target
                  + ": "
                  + Urls.show(response.uri())
                  + " answered with status "
                  + status
                  + said
                  + ". "
                  + (status >= 500 ? "Try again later." : "Check the endpoint and the names."));
    };
  }

  /** The server's own message in parentheses. Web pages, such as those of proxies, are left out. */
  private static String said(@Nullable String header, Response response) {
    var text = header;
    if (text == null) {
      var body = new String(response.body().readSome(MAX_BODY), StandardCharsets.UTF_8).strip();
      int start = body.indexOf("\"error\":\"");
      text =
          start >= 0 && body.indexOf('"', start + 9) > 0
              ? body.substring(start + 9, body.indexOf('"', start + 9))
              : body.startsWith("<") ? "" : body;
    }
    return text.isBlank() ? "" : " (" + Names.quote(text.strip()) + ")";
  }

  private static HubException repoNotFound(Target target, boolean hasToken, String said) {
    return new HubException(
        Reason.REPO_NOT_FOUND,
        "The Hub has no "
            + target.repo().kind().noun()
            + " "
            + Names.quote(target.repo().id())
            + ", or it is private"
            + (hasToken ? " and the access token does not open it" : "")
            + said
            + ". Check the name. "
            + (hasToken
                ? "Check that the token is for the right account."
                : "If it is private: " + LOG_IN));
  }

  static HubException entryNotFound(Target target) {
    return new HubException(
        Reason.ENTRY_NOT_FOUND,
        target.repo()
            + " has no file "
            + Names.quote(String.valueOf(target.path()))
            + (target.revision() == null ? "" : " at revision " + Names.quote(target.revision()))
            + ". Look at its list of files, and give the path with its folders.");
  }

  private static HubException gated(URI uri, Target target, boolean hasToken) {
    var page = uri.getScheme() + "://" + uri.getRawAuthority() + "/" + target.repo().urlPath();
    return new HubException(
        Reason.GATED,
        target
            + ": access to this repository must be requested. Request it on "
            + page
            + (hasToken
                ? ", with the account that the access token belongs to."
                : ", then: " + LOG_IN));
  }

  /** The exception for a server that does not respond, or a connection that breaks. */
  static HubException unreachable(URI uri, Target target, Throwable cause, int attempts) {
    boolean certificate = cause instanceof SSLException;
    if (String.valueOf(cause.getMessage()).startsWith(TUNNEL_FAILED)) {
      return new HubException(
          Reason.PROXY,
          target
              + ": the proxy does not connect to "
              + uri.getRawAuthority()
              + " ("
              + cause.getMessage()
              + "). Check HTTPS_PROXY, or ask the administrator of the proxy; NO_PROXY lists hosts that"
              + " need no proxy.",
          cause);
    }
    return new HubException(
        Reason.UNREACHABLE,
        target
            + ": "
            + uri.getRawAuthority()
            + " cannot be reached: "
            + describe(cause)
            + (attempts > 1 ? " (" + attempts + " attempts)" : "")
            + (certificate
                ? ". Check the clock, and that Java trusts the certificate of a proxy."
                : ". Check the network, the proxy and HF_ENDPOINT; HF_HUB_OFFLINE=1 uses only the"
                    + " cache."),
        cause);
  }

  private static String describe(Throwable cause) {
    for (Throwable t = cause; t != null; t = t.getCause()) {
      if (t instanceof UnresolvedAddressException || t instanceof UnknownHostException) {
        return "the host name is unknown";
      }
      if (t.getMessage() != null && t.getMessage().contains("refused")) {
        return "connection refused";
      }
    }
    if (cause instanceof HttpTimeoutException) {
      return String.valueOf(cause.getMessage());
    }
    if (cause instanceof ConnectException && cause.getMessage() == null) {
      return "no server listens there";
    }
    return Names.quote(
        cause.getMessage() == null ? cause.getClass().getName() : cause.getMessage());
  }

  /** The exception for a successful response that violates the protocol. */
  static HubException badResponse(URI uri, Target target, String what) {
    return new HubException(
        Reason.SERVER,
        target
            + ": "
            + Urls.show(uri)
            + " did not respond as a Hub does: "
            + what
            + ". Check HF_ENDPOINT and the proxy.");
  }

  static HubException offline(String what, String why) {
    return new HubException(
        Reason.OFFLINE,
        what
            + " "
            + why
            + ", and offline mode is on. If there is a network, unset HF_HUB_OFFLINE or turn offline"
            + " mode off.");
  }

  /** The exception if the Hub failed and the cache, which was tried instead, has no such file. */
  static HubException notCached(Target target, HubException failure) {
    return new HubException(
        failure.reason(),
        target + " is not in the cache, and the Hub failed: " + failure.getMessage(),
        failure);
  }

  /** The exception for a file of the cache that cannot be written or read. */
  static HubException cache(Path file, IOException e) {
    var reason =
        switch (e) {
          case AccessDeniedException _ -> "permission denied";
          case FileSystemException failed when failed.getReason() != null -> failed.getReason();
          default -> String.valueOf(e.getMessage());
        };
    var lower = reason.toLowerCase(Locale.ROOT);
    if (lower.contains("no space")
        || lower.contains("not enough space")
        || lower.contains("quota")) {
      return new HubException(
          Reason.DISK_FULL,
          file
              + ": the disk is full: "
              + reason
              + ". The partial download is kept and resumed. Free some space, or set HF_HUB_CACHE to a"
              + " folder on another disk.",
          e);
    }
    return new HubException(
        Reason.CACHE,
        file
            + ": cannot be used: "
            + reason
            + ". Check the permissions of the cache folder, or set HF_HUB_CACHE to another.",
        e);
  }
}
