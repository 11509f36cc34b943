package io.github.ggml4j.bindings;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Finding and unpacking libraries, with text files instead of libraries. */
class NativesFolderTest {
  private static final Platform PLATFORM = Platform.current();

  @TempDir Path temp;

  private final Map<String, @Nullable String> properties = new TreeMap<>();
  private @Nullable ClassLoader loader;

  @BeforeEach
  void rememberSettings() {
    for (String property : List.of(NativesFolder.DIR_PROPERTY, NativesCache.CACHE_PROPERTY)) {
      properties.put(property, System.getProperty(property));
      System.clearProperty(property);
    }
    loader = Thread.currentThread().getContextClassLoader();
    System.setProperty(NativesCache.CACHE_PROPERTY, temp.resolve("cache").toString());
  }

  @AfterEach
  void restoreSettings() {
    properties.forEach((name, value) -> {
      if (value == null) {
        System.clearProperty(name);
      } else {
        System.setProperty(name, value);
      }
    });
    Thread.currentThread().setContextClassLoader(loader);
  }

  /** Writes a folder with libraries and a manifest, as the build does. */
  private static Path natives(Path folder, String platform, Map<String, String> files)
      throws IOException {
    Files.createDirectories(folder);
    StringBuilder manifest = new StringBuilder("platform=" + platform + "\nbuild=developer\n");
    for (Map.Entry<String, String> file : new TreeMap<>(files).entrySet()) {
      byte[] bytes = file.getValue().getBytes(StandardCharsets.UTF_8);
      Files.write(folder.resolve(file.getKey()), bytes);
      manifest.append(
          "file=%s %d %s%n".formatted(NativesCache.sha256(bytes), bytes.length, file.getKey()));
    }
    Files.writeString(folder.resolve(Manifest.FILE_NAME), manifest.toString());
    return folder;
  }

  /** Puts natives on the class path, as the jar does; returns their folder. */
  private Path onClassPath(String name, Map<String, String> files) throws IOException {
    Path root = temp.resolve(name);
    Path folder =
        natives(root.resolve("META-INF/ggml4j/natives/" + PLATFORM), PLATFORM.toString(), files);
    Thread.currentThread()
        .setContextClassLoader(
            new URLClassLoader(
                new URL[] {root.toUri().toURL()}, Thread.currentThread().getContextClassLoader()));
    return folder;
  }

  private static NativesFolder find() {
    return NativesFolder.find(PLATFORM);
  }

  @Test
  void usesTheFolderOfTheProperty() throws IOException {
    Path folder =
        natives(temp.resolve("named"), PLATFORM.toString(), Map.of("libb.so", "b", "liba.so", "a"));
    System.setProperty(NativesFolder.DIR_PROPERTY, folder.toString());
    assertThat(find().path()).isEqualTo(folder);
    assertThat(find().names()).containsExactly("liba.so", "libb.so");
    assertThat(find().properties()).containsEntry("build", "developer");
  }

  @Test
  void usesAFolderWithoutManifest() throws IOException {
    Files.writeString(temp.resolve("libx.so.1"), "x");
    Files.writeString(temp.resolve("notes.txt"), "x");
    System.setProperty(NativesFolder.DIR_PROPERTY, temp.toString());
    assertThat(find().names()).containsExactly("libx.so.1");
  }

  @Test
  void missingFolderIsAnErrorEvenWithAJar() throws IOException {
    onClassPath("jar", Map.of("liba.so", "a"));
    System.setProperty(NativesFolder.DIR_PROPERTY, temp.resolve("nowhere").toString());
    assertThatThrownBy(NativesFolderTest::find)
        .isInstanceOf(NativeLibraryException.class)
        .hasMessageContainingAll(NativesFolder.DIR_PROPERTY, "nowhere", "no such folder");
  }

  @Test
  void truncatedLibraryIsAnError() throws IOException {
    Path folder = natives(temp.resolve("named"), PLATFORM.toString(), Map.of("liba.so", "content"));
    Files.writeString(folder.resolve("liba.so"), "con");
    assertThatThrownBy(() -> NativesFolder.open(folder, PLATFORM))
        .hasMessageContainingAll("liba.so", "3 bytes", "says 7");
    Files.delete(folder.resolve("liba.so"));
    assertThatThrownBy(() -> NativesFolder.open(folder, PLATFORM))
        .hasMessageContainingAll("liba.so", "missing");
  }

  @Test
  void librariesOfAnotherPlatformAreAnError() throws IOException {
    Path folder = natives(temp.resolve("named"), "plan9-mips", Map.of("liba.so", "a"));
    assertThatThrownBy(() -> NativesFolder.open(folder, PLATFORM))
        .hasMessageContainingAll("plan9-mips", PLATFORM.toString());
  }

  @Test
  void withoutNativesTheErrorNamesPlacesAndJar() {
    Platform other = new Platform("plan9", "mips");
    assertThatThrownBy(() -> NativesFolder.find(other))
        .isInstanceOf(NativeLibraryException.class)
        .hasMessageContainingAll(
            NativesFolder.DIR_PROPERTY,
            "META-INF/ggml4j/natives/plan9-mips/",
            "natives-plan9-mips");
  }

  @Test
  void unpacksOnceIntoAPrivateFolder() throws IOException {
    Path jar = onClassPath("jar", Map.of("liba.so", "a", "libb.so", "bb"));
    NativesFolder first = find();
    assertThat(first.path()).hasParent(temp.resolve("cache"));
    assertThat(first.path().resolve("libb.so")).hasContent("bb");
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(temp.resolve("cache"))))
        .isEqualTo("rwx------");

    Files.delete(jar.resolve("libb.so")); // not needed any more
    assertThat(find()).isEqualTo(first);
    assertThat(entries(temp.resolve("cache"))).hasSize(1);
  }

  @Test
  void otherContentIsUnpackedToAnotherFolder() throws IOException {
    onClassPath("jar1", Map.of("liba.so", "a"));
    Path first = find().path();
    Thread.currentThread().setContextClassLoader(loader);
    onClassPath("jar2", Map.of("liba.so", "b"));
    assertThat(find().path()).isNotEqualTo(first);
  }

  @Test
  void repairsADamagedFolder() throws IOException {
    onClassPath("jar", Map.of("liba.so", "aaaa"));
    Path library = find().path().resolve("liba.so");
    for (String damage : List.of("", "aaab")) { // a shorter content, and one of the same length
      Files.writeString(library, damage);
      find();
      assertThat(library).hasContent("aaaa");
    }
    Files.writeString(library, "aaaa"); // same content, other time: is kept
    Object key =
        Files.readAttributes(library, java.nio.file.attribute.BasicFileAttributes.class).fileKey();
    find();
    assertThat(
            Files.readAttributes(library, java.nio.file.attribute.BasicFileAttributes.class)
                .fileKey())
        .isEqualTo(key);
  }

  @Test
  void damagedJarIsAnErrorAndLeavesNoFiles() throws IOException {
    Path jar = onClassPath("jar", Map.of("liba.so", "good"));
    Files.writeString(jar.resolve("liba.so"), "evil");
    assertThatThrownBy(NativesFolderTest::find)
        .isInstanceOf(NativeLibraryException.class)
        .hasMessageContainingAll("liba.so", "damaged", "sha256");
    assertThat(entries(temp.resolve("cache"))).isEmpty();
  }

  @Test
  void unusableCacheIsAnErrorWithRemedy() throws IOException {
    onClassPath("jar", Map.of("liba.so", "a"));
    Files.writeString(temp.resolve("cache"), "a file is in the way");
    assertThatThrownBy(NativesFolderTest::find)
        .isInstanceOf(NativeLibraryException.class)
        .hasMessageContainingAll(
            temp.resolve("cache").toString(),
            NativesCache.CACHE_PROPERTY,
            NativesFolder.DIR_PROPERTY);
  }

  @Test
  void twoJarsAreCombinedUnlessTheyConflict() throws IOException {
    onClassPath("base", Map.of("liba.so", "a"));
    onClassPath("gpu", Map.of("liba.so", "a", "libgpu.so", "g"));
    assertThat(find().names()).containsExactly("liba.so", "libgpu.so");
    onClassPath("other", Map.of("liba.so", "another"));
    assertThatThrownBy(NativesFolderTest::find)
        .hasMessageContainingAll("Two different builds of liba.so", "other", "base");
  }

  @Test
  void jarWithCudaTakesPrecedence() throws IOException {
    onClassPath("cpu", Map.of("liba.so", "a", "libb.so", "b"));
    Path cuda = onClassPath("cuda", Map.of("liba.so", "another a", "libggml-cuda.so", "c"));
    Path manifest = cuda.resolve(Manifest.FILE_NAME);
    Files.writeString(
        manifest, Files.readString(manifest) + "cuda=13.0\ncuda.architectures=90-real\n");
    assertThat(find().names()).containsExactly("liba.so", "libggml-cuda.so");
    assertThat(find().path().resolve("liba.so")).hasContent("another a");
    assertThat(find().properties()).containsEntry("cuda", "13.0");
  }

  /** Run by {@link #processesCanUnpackConcurrently}. */
  public static final class Unpack {
    public static void main(String[] args) {
      System.out.print(find().path());
    }
  }

  @Test
  void processesCanUnpackConcurrently() throws Exception {
    Path jar =
        onClassPath(
            "jar", Map.of("liba.so", "a".repeat(3_000_000), "libb.so", "b".repeat(3_000_000)));
    List<Process> processes = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      processes.add(
          new ProcessBuilder(
                  ProcessHandle.current().info().command().orElse("java"),
                  "-D" + NativesCache.CACHE_PROPERTY + "=" + temp.resolve("cache"),
                  "-cp",
                  String.join(
                      java.io.File.pathSeparator,
                      location(NativesFolder.class),
                      location(NativesFolderTest.class),
                      temp.resolve("jar").toString()),
                  Unpack.class.getName())
              .redirectErrorStream(true)
              .start());
    }
    for (Process process : processes) {
      String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
      assertThat(process.exitValue()).as(output).isZero();
      assertThat(output).isEqualTo(find().path().toString());
    }
    assertThat(entries(temp.resolve("cache"))).hasSize(1);
    assertThat(find().path().resolve("libb.so")).hasSameBinaryContentAs(jar.resolve("libb.so"));
  }

  private static String location(Class<?> type) {
    return Path.of(
            java.net.URI.create(
                type.getProtectionDomain().getCodeSource().getLocation().toString()))
        .toString();
  }

  private static List<Path> entries(Path folder) throws IOException {
    try (Stream<Path> entries = Files.list(folder)) {
      return entries.toList();
    }
  }
}
