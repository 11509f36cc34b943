package io.github.ggml4j.cli;

import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.regex.Pattern;

/**
 * A Hub with the repository {@code org/name}, whose files {@code a.bin} and {@code b.bin} have the
 * same size.
 */
final class TinyHub implements AutoCloseable {
  private static final String COMMIT = "1234567890abcdef1234567890abcdef12345678";
  private static final Pattern RANGE = Pattern.compile("range: bytes=(\\d+)-");

  private final ServerSocket server;
  private final byte[] content;
  private final int pauseAfter;

  /** The requests, in lower case. */
  final List<String> requests = new CopyOnWriteArrayList<>();

  /** Counts down when the pause is reached. */
  final CountDownLatch paused = new CountDownLatch(1);

  /**
   * Starts it.
   *
   * @param size of each file
   * @param pauseAfter number of bytes after which the first answer pauses
   */
  TinyHub(int size, int pauseAfter) {
    content = new byte[size];
    this.pauseAfter = pauseAfter;
    try {
      server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    Thread.startVirtualThread(() -> {
      while (!server.isClosed()) {
        try {
          var socket = server.accept();
          Thread.startVirtualThread(() -> answer(socket));
        } catch (IOException e) {
          return;
        }
      }
    });
  }

  String endpoint() {
    return "http://127.0.0.1:" + server.getLocalPort();
  }

  private void answer(Socket socket) {
    try (socket) {
      var head = new StringBuilder();
      while (head.indexOf("\r\n\r\n") < 0) {
        int c = socket.getInputStream().read();
        if (c < 0) {
          return;
        }
        head.append((char) c);
      }
      var request = head.toString().toLowerCase(Locale.ROOT);
      requests.add(request);
      answer(request, socket.getOutputStream());
    } catch (IOException e) {
      // the client closed the connection
    }
  }

  private void answer(String request, OutputStream out) throws IOException {
    var path = request.split(" ", 3)[1];
    if (path.contains("/revision/")) {
      json(out, "{\"sha\": \"" + COMMIT + "\"}");
    } else if (path.contains("/tree/")) {
      json(out, "[" + entry("a.bin") + "," + entry("b.bin") + "]");
    } else {
      file(request, path.endsWith("a.bin") ? 'a' : 'b', out);
    }
  }

  private String entry(String name) {
    return "{\"type\":\"file\",\"path\":\"%s\",\"size\":%d,\"oid\":\"0\"}"
        .formatted(name, content.length);
  }

  private static void json(OutputStream out, String json) throws IOException {
    head(out, "200 OK", json.length(), "Content-Type: application/json");
    out.write(json.getBytes(StandardCharsets.US_ASCII));
  }

  private void file(String request, char first, OutputStream out) throws IOException {
    byte[] bytes = content.clone();
    bytes[0] = (byte) first;
    var range = RANGE.matcher(request);
    int start = range.find() ? Integer.parseInt(range.group(1)) : 0;
    head(
        out,
        start > 0 ? "206 Partial Content" : "200 OK",
        bytes.length - start,
        "X-Repo-Commit: " + COMMIT,
        "ETag: \"" + sha256(bytes) + '"',
        "Content-Range: bytes " + start + "-" + (bytes.length - 1) + "/" + bytes.length);
    if (request.startsWith("head")) {
      return;
    }
    int end = paused.getCount() > 0 ? Math.min(bytes.length, pauseAfter) : bytes.length;
    out.write(bytes, start, end - start);
    out.flush();
    if (end < bytes.length) {
      paused.countDown();
      hold();
    }
  }

  private void hold() {
    while (!server.isClosed()) {
      try {
        Thread.sleep(20);
      } catch (InterruptedException e) {
        return;
      }
    }
  }

  private static void head(OutputStream out, String status, int length, String... headers)
      throws IOException {
    var head = new StringBuilder("HTTP/1.1 " + status + "\r\nConnection: close\r\n");
    for (var header : headers) {
      head.append(header).append("\r\n");
    }
    head.append("Content-Length: ").append(length).append("\r\n\r\n");
    out.write(head.toString().getBytes(StandardCharsets.US_ASCII));
  }

  private static String sha256(byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  public void close() throws IOException {
    server.close();
  }
}
