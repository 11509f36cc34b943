package io.github.ggml4j.bindings;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Unpacks the natives once for each user. The target is a private folder whose name contains a hash
 * of its content.
 *
 * <p>All files are checked and written to disk in a temporary folder, which is then renamed. So any
 * number of processes may unpack at the same time, and a process that dies leaves no incomplete
 * folder under the final name. An existing folder is used without hashing if its files have the
 * expected sizes and time stamps; otherwise their hashes are checked.
 */
final class NativesCache {
  /** System property: the folder to unpack into, instead of the user's cache folder. */
  static final String CACHE_PROPERTY = "ggml4j.native.cache";

  private static final FileTime STAMP = FileTime.from(Instant.parse("2001-01-01T00:00:00Z"));
  private static final Set<PosixFilePermission> PRIVATE_FOLDER =
      PosixFilePermissions.fromString("rwx------");
  private static final Duration ABANDONED = Duration.ofDays(1);

  private final Platform platform;

  NativesCache(Platform platform) {
    this.platform = platform;
  }

  /**
   * Returns a folder with exactly these files; unpacks them if there is none yet. Tries the user's
   * cache folder and then folders for temporary files.
   */
  Path unpack(String manifests, List<NativesFolder.Source> files) {
    String name =
        platform + "-" + sha256(manifests.getBytes(StandardCharsets.UTF_8)).substring(0, 20);
    List<String> tried = new ArrayList<>();
    for (Path place : places()) {
      try {
        makePrivate(place);
        Path folder = place.resolve(name);
        if (!isComplete(folder, files)) {
          unpackInto(place, folder, files);
        }
        return folder;
      } catch (IOException e) {
        tried.add("%n  %s: %s.".formatted(place, reason(e)));
      }
    }
    throw new NativeLibraryException(
        "The native libraries could not be unpacked. Tried:%s%nName a folder that is writable and not mounted noexec with -D%s=FOLDER, or one that holds the unpacked libraries with -D%s=FOLDER."
            .formatted(String.join("", tried), CACHE_PROPERTY, NativesFolder.DIR_PROPERTY));
  }

  private List<Path> places() {
    String property = System.getProperty(CACHE_PROPERTY);
    if (property != null && !property.isBlank()) {
      return List.of(Path.of(property).toAbsolutePath());
    }
    List<Path> places = new ArrayList<>();
    String home = System.getProperty("user.home", "");
    String configured =
        System.getenv(platform.os().equals("windows") ? "LOCALAPPDATA" : "XDG_CACHE_HOME");
    if (configured != null && !configured.isBlank()) {
      places.add(Path.of(configured, "ggml4j", "natives"));
    } else if (!home.isBlank() && !home.equals("?")) {
      String cache = platform.os().equals("macos") ? "Library/Caches" : ".cache";
      places.add(Path.of(home, cache, "ggml4j", "natives"));
    }
    String user = System.getProperty("user.name", "user").replaceAll("[^A-Za-z0-9._-]", "_");
    places.add(Path.of(System.getProperty("java.io.tmpdir"), "ggml4j-natives-" + user));
    if (!platform.os().equals("windows")) {
      places.add(Path.of("/var/tmp", "ggml4j-natives-" + user));
    }
    return places;
  }

  /**
   * Creates the folder if needed. Checks that it belongs to the user, closes it to others, and
   * checks that code can be loaded from it.
   */
  private static void makePrivate(Path folder) throws IOException {
    @Nullable Path parent = folder.getParent();
    if (parent != null) {
      Files.createDirectories(parent);
    }
    boolean posix = folder.getFileSystem().supportedFileAttributeViews().contains("posix");
    try {
      if (posix) {
        Files.createDirectory(folder, PosixFilePermissions.asFileAttribute(PRIVATE_FOLDER));
      } else {
        Files.createDirectory(folder);
      }
    } catch (FileAlreadyExistsException e) {
      if (!Files.isDirectory(folder)) {
        throw new IOException("it is not a folder", e);
      }
    }
    if (posix) {
      var view = Files.getFileAttributeView(folder, PosixFileAttributeView.class).readAttributes();
      Path probe = Files.createTempFile(folder, ".probe", ".tmp");
      try {
        if (!Files.getOwner(probe, LinkOption.NOFOLLOW_LINKS).equals(view.owner())) {
          throw new IOException("it belongs to " + view.owner().getName());
        }
        Files.setPosixFilePermissions(probe, PRIVATE_FOLDER);
        if (!Files.isExecutable(probe)) {
          throw new IOException(
              "its file system is mounted noexec, so no library can be loaded from it");
        }
      } finally {
        Files.delete(probe);
      }
      if (!view.permissions().equals(PRIVATE_FOLDER)) {
        Files.setPosixFilePermissions(folder, PRIVATE_FOLDER);
      }
    }
  }

  private static boolean isComplete(Path folder, List<NativesFolder.Source> files)
      throws IOException {
    if (!Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)) {
      return false;
    }
    for (NativesFolder.Source source : files) {
      Path file = folder.resolve(source.entry().name());
      if (!Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)
          || Files.size(file) != source.entry().size()) {
        return false;
      }
      if (!Files.getLastModifiedTime(file).equals(STAMP)) {
        if (!sha256(file).equals(source.entry().sha256())) {
          return false;
        }
        Files.setLastModifiedTime(file, STAMP);
      }
    }
    return true;
  }

  private static void unpackInto(Path place, Path folder, List<NativesFolder.Source> files)
      throws IOException {
    deleteAbandoned(place);
    Path unpacked = Files.createTempDirectory(place, ".unpack");
    try {
      for (NativesFolder.Source source : files) {
        copy(source, unpacked.resolve(source.entry().name()));
      }
      if (Files.exists(folder, LinkOption.NOFOLLOW_LINKS) && !isComplete(folder, files)) {
        // Damaged: renamed, because other processes may have its files open.
        Files.move(
            folder, place.resolve(".damaged" + System.nanoTime()), StandardCopyOption.ATOMIC_MOVE);
      }
      try {
        Files.move(unpacked, folder, StandardCopyOption.ATOMIC_MOVE);
      } catch (FileSystemException e) {
        if (!isComplete(folder, files)) { // another process may have finished first
          throw e;
        }
      }
    } finally {
      delete(unpacked);
    }
  }

  private static void copy(NativesFolder.Source source, Path file) throws IOException {
    MessageDigest digest = newDigest();
    long size = 0;
    try (InputStream in = source.open();
        FileChannel out =
            FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      byte[] buffer = new byte[1 << 18];
      for (int n; (n = in.read(buffer)) >= 0; size += n) {
        digest.update(buffer, 0, n);
        for (ByteBuffer bytes = ByteBuffer.wrap(buffer, 0, n); bytes.hasRemaining(); ) {
          out.write(bytes);
        }
      }
      out.force(true);
    }
    String hash = HexFormat.of().formatHex(digest.digest());
    if (!hash.equals(source.entry().sha256())) {
      throw new NativeLibraryException(
          "%s: %s is damaged: sha256 %s of %,d bytes, the manifest says %s of %,d. Get or build the natives jar again."
              .formatted(
                  source.manifest(),
                  source.entry().name(),
                  hash,
                  size,
                  source.entry().sha256(),
                  source.entry().size()));
    }
    Files.setLastModifiedTime(file, STAMP);
  }

  /** Deletes what processes that died left here a day ago or earlier. */
  private static void deleteAbandoned(Path place) throws IOException {
    Instant limit = Instant.now().minus(ABANDONED);
    List<Path> unfinished;
    try (Stream<Path> entries = Files.list(place)) {
      unfinished = entries.filter(path -> path.getFileName().toString().startsWith(".")).toList();
    }
    for (Path entry : unfinished) {
      try {
        if (Files.getLastModifiedTime(entry, LinkOption.NOFOLLOW_LINKS)
            .toInstant()
            .isBefore(limit)) {
          delete(entry);
        }
      } catch (NoSuchFileException alreadyDeleted) {
        // by another process
      }
    }
  }

  private static void delete(Path root) throws IOException {
    if (!Files.exists(root, LinkOption.NOFOLLOW_LINKS)) {
      return;
    }
    try (Stream<Path> tree = Files.walk(root)) {
      for (Path path : tree.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(path);
      }
    }
  }

  private static String reason(IOException e) {
    @Nullable String message = e.getMessage();
    return message == null || e.getClass() != IOException.class ? e.toString() : message;
  }

  static String sha256(byte[] bytes) {
    return HexFormat.of().formatHex(newDigest().digest(bytes));
  }

  private static String sha256(Path file) throws IOException {
    MessageDigest digest = newDigest();
    try (InputStream in = Files.newInputStream(file)) {
      byte[] buffer = new byte[1 << 18];
      for (int n; (n = in.read(buffer)) >= 0; ) {
        digest.update(buffer, 0, n);
      }
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  private static MessageDigest newDigest() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Every Java platform has SHA-256", e);
    }
  }
}
