package io.github.ggml4j.hub;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.regex.Pattern;

/**
 * Compares a file with its entity tag on the Hub. The tag is the SHA-256 of a file in large file
 * storage, else git's blob id (the SHA-1 of a header with the size, followed by the content).
 * Mirrors may send the SHA-1 of the content alone. Any other tag is not checked.
 */
final class Checksum {
  private static final Pattern HEX = Pattern.compile("[0-9a-f]+");
  private static final int SHA256_DIGITS = 64;
  private static final int SHA1_DIGITS = 40;

  private Checksum() {}

  /** Whether the content of a file matches an entity tag. */
  static boolean matches(Path file, String etag) throws IOException {
    if (!HEX.matcher(etag).matches()) {
      return true;
    }
    return switch (etag.length()) {
      case SHA256_DIGITS -> etag.equals(hash(file, "SHA-256", ""));
      case SHA1_DIGITS ->
          etag.equals(hash(file, "SHA-1", "blob " + Files.size(file) + "\0"))
              || etag.equals(hash(file, "SHA-1", ""));
      default -> true;
    };
  }

  private static String hash(Path file, String algorithm, String header) throws IOException {
    try (InputStream in = Files.newInputStream(file)) {
      return hash(in, algorithm, header);
    }
  }

  /** The hash of a header and a content, in hex digits. */
  static String hash(InputStream in, String algorithm, String header) throws IOException {
    MessageDigest digest;
    try {
      digest = MessageDigest.getInstance(algorithm);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Every Java has " + algorithm, e);
    }
    digest.update(header.getBytes(StandardCharsets.UTF_8));
    byte[] chunk = new byte[256 << 10];
    for (int n = in.read(chunk); n >= 0; n = in.read(chunk)) {
      digest.update(chunk, 0, n);
    }
    return HexFormat.of().formatHex(digest.digest());
  }
}
