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

/** Turns what servers, networks and disks say into one message with cause and remedy. */
final class Failures {
  static final String LOG_IN =
      "Set HF_TOKEN to an access token, log in once with Python's 'hf auth login', or give a token"
          + " in the options.";
  private static final int MOST_SAID = 2048;

  /** What the JDK's client says when a proxy does not connect to a host. */
  private static final String TUNNEL_FAILED = "Tunnel failed";

  private Failures() {}

  /** The error for an answer that is no success. */
  static HubException answered(Response response, Target target, boolean hasToken) {
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
                  + (hasToken ? "Check what the access token may do." : LOG_IN));
      case 404 ->
          target.path() == null ? repoNotFound(target, hasToken, said) : entryNotFound(target);
      case 407 ->
          new HubException(
              Reason.PROXY,
              target
                  + ": the proxy asks for a name and a password. Set HTTPS_PROXY (HTTP_PROXY for"
                  + " addresses of http) to http://name:password@host:port; for addresses of https"
                  + " start Java with -Djdk.http.auth.tunneling.disabledSchemes= too.");
      case 429 ->
          new HubException(
              Reason.RATE_LIMITED,
              target
                  + ": the server asks for fewer requests"
                  + said
                  + ". Try again later"
                  + (hasToken ? "." : ", or with an access token, which is allowed more."));
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
                  + (status >= 500
                      ? "Try again later."
                      : "Check the endpoint, and that the names are right."));
    };
  }

  /** A web page, as proxies show it, says nothing in one line. */
  private static String said(@Nullable String header, Response response) {
    var text = header;
    if (text == null) {
      var body = new String(response.body().readSome(MOST_SAID), StandardCharsets.UTF_8).strip();
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
            + ": access to this repository has to be asked for. Ask on "
            + page
            + (hasToken
                ? ", with the account that the access token belongs to."
                : ", then: " + LOG_IN));
  }

  /** The error for a server that did not answer, or whose answer broke off. */
  static HubException unreachable(URI uri, Target target, Throwable cause, int attempts) {
    boolean certificate = cause instanceof SSLException;
    if (String.valueOf(cause.getMessage()).startsWith(TUNNEL_FAILED)) {
      return new HubException(
          Reason.PROXY,
          target
              + ": the proxy lets nothing through to "
              + uri.getRawAuthority()
              + " ("
              + cause.getMessage()
              + "). Check HTTPS_PROXY, and ask who runs the proxy; NO_PROXY names hosts that are"
              + " reached without.",
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
                ? ". Check the clock, and that a proxy's certificate is among those Java trusts."
                : ". Check the network, the proxy and HF_ENDPOINT; HF_HUB_OFFLINE=1 uses what is in"
                    + " the cache."),
        cause);
  }

  private static String describe(Throwable cause) {
    for (Throwable t = cause; t != null; t = t.getCause()) {
      if (t instanceof UnresolvedAddressException || t instanceof UnknownHostException) {
        return "there is no host of this name";
      }
      if (t.getMessage() != null && t.getMessage().contains("refused")) {
        return "connection refused";
      }
    }
    if (cause instanceof HttpTimeoutException) {
      return String.valueOf(cause.getMessage());
    }
    if (cause instanceof ConnectException && cause.getMessage() == null) {
      return "nobody answers there";
    }
    return Names.quote(
        cause.getMessage() == null ? cause.getClass().getName() : cause.getMessage());
  }

  /** The error for an answer that is a success and still makes no sense. */
  static HubException nonsense(URI uri, Target target, String what) {
    return new HubException(
        Reason.SERVER,
        target
            + ": "
            + Urls.show(uri)
            + " answered in a way that a Hub does not: "
            + what
            + ". Check HF_ENDPOINT and the proxy.");
  }

  static HubException offline(String what, String why) {
    return new HubException(
        Reason.OFFLINE,
        what
            + " "
            + why
            + ", and downloads are switched off. Unset HF_HUB_OFFLINE, or do not ask"
            + " for offline mode, with a network.");
  }

  /** The error for a server of which only the cache was left, which has no such file. */
  static HubException notCached(Target target, HubException failure) {
    return new HubException(
        failure.reason(),
        target + " is not in the cache, and from the Hub: " + failure.getMessage(),
        failure);
  }

  /** The error for a file of the cache that cannot be written or read. */
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
              + ". What arrived is kept for the next try. Free some space, or set HF_HUB_CACHE to a"
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
