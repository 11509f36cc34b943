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
 * Unpacks natives once, into a folder that only the user can touch and whose name is the hash of
 * what is in it.
 *
 * <p>A set appears under its name at once, by a rename, after every file was checked and written
 * through to the disk; so any number of processes may start together, and one that dies leaves
 * nothing half done in the way. A set that is there is used when its files have the size and the
 * time stamp they were left with; any other is checked by hash.
 */
final class NativesCache {
  /** Names the folder to unpack into, instead of the user's cache folder. */
  static final String CACHE_PROPERTY = "ggml4j.native.cache";

  private static final FileTime STAMP = FileTime.from(Instant.parse("2001-01-01T00:00:00Z"));
  private static final Set<PosixFilePermission> PRIVATE_FOLDER =
      PosixFilePermissions.fromString("rwx------");
  private static final Duration ABANDONED = Duration.ofDays(1);

  private final Platform platform;

  NativesCache(Platform platform) {
    this.platform = platform;
  }

  /** The folder with exactly these files, unpacked now or earlier. */
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
        tried.add("%n  %s: %s".formatted(place, reason(e)));
      }
    }
    throw new NativeLibraryException(
        "The native libraries could not be unpacked. Tried:%s%nMake one of them writable, name another folder with -D%s=FOLDER, or name one that holds the unpacked libraries with -D%s=FOLDER."
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
    return places;
  }

  /** Libraries are code: nobody else may be able to put any into the folder. */
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
        throw new IOException("it is no folder", e);
      }
    }
    if (posix) {
      var view = Files.getFileAttributeView(folder, PosixFileAttributeView.class).readAttributes();
      Path mine = Files.createTempFile(folder, ".owner", ".tmp");
      try {
        if (!Files.getOwner(mine, LinkOption.NOFOLLOW_LINKS).equals(view.owner())) {
          throw new IOException("it belongs to " + view.owner().getName());
        }
      } finally {
        Files.delete(mine);
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
        // Damaged: out of the way, at once too; whoever has it open keeps it.
        Files.move(
            folder, place.resolve(".damaged" + System.nanoTime()), StandardCopyOption.ATOMIC_MOVE);
      }
      try {
        Files.move(unpacked, folder, StandardCopyOption.ATOMIC_MOVE);
      } catch (FileSystemException e) {
        if (!isComplete(folder, files)) { // else another process was faster
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

  private static void deleteAbandoned(Path place) throws IOException {
    Instant limit = Instant.now().minus(ABANDONED);
    try (Stream<Path> entries = Files.list(place)) {
      for (Path entry :
          entries.filter(path -> path.getFileName().toString().startsWith(".")).toList()) {
        if (Files.getLastModifiedTime(entry, LinkOption.NOFOLLOW_LINKS)
            .toInstant()
            .isBefore(limit)) {
          delete(entry);
        }
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
