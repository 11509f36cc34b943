package io.github.ggml4j.bindings;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The real libraries as users have them, in a jar on the class path, each time in a new JVM. */
class PackedNativesTest {
  @TempDir private Path temp;
  private Path jar;
  private Path cache;

  /** What the JVM runs. */
  static final class Program {
    private Program() {}

    public static void main(String[] args) {
      System.out.println(NativeLibrary.folder());
      System.out.println(NativeLibrary.describe());
    }
  }

  @BeforeEach
  void pack() throws IOException {
    jar = temp.resolve("natives.jar");
    cache = temp.resolve("cache");
    try (var out = new ZipOutputStream(Files.newOutputStream(jar));
        Stream<Path> files = Files.list(NativeLibrary.folder())) {
      out.setLevel(1);
      for (var file : files.filter(Files::isRegularFile).toList()) {
        out.putNextEntry(
            new ZipEntry(
                "META-INF/ggml4j/natives/" + Platform.current() + "/" + file.getFileName()));
        Files.copy(file, out);
      }
    }
  }

  @Test
  void areUnpackedOnceAndMendedWhenDamaged() throws Exception {
    var first = run();
    var folder = Path.of(first.getFirst());
    assertThat(folder.getParent()).isEqualTo(cache);
    assertThat(folder.getFileName().toString()).startsWith(Platform.current() + "-");
    assertThat(String.join("\n", first)).contains("devices", "CPU (");
    var library = folder.resolve(Platform.current().fileName("ggml4j"));
    assertThat(library)
        .hasSameBinaryContentAs(NativeLibrary.folder().resolve(library.getFileName()));

    var before = identity(library);
    assertThat(run()).isEqualTo(first);
    assertThat(identity(library)).isEqualTo(before);

    Files.writeString(library, "damaged");
    assertThat(run()).isEqualTo(first);
    assertThat(library)
        .hasSameBinaryContentAs(NativeLibrary.folder().resolve(library.getFileName()));
  }

  @Test
  void aDamagedJarIsNamed() throws Exception {
    var bytes = Files.readAllBytes(NativeLibrary.folder().resolve(Manifest.FILE_NAME));
    var manifest = new String(bytes, StandardCharsets.UTF_8);
    try (var zip = FileSystems.newFileSystem(jar)) {
      var hash = manifest.indexOf("file=") + 5;
      var wrong = manifest.charAt(hash) == '0' ? '1' : '0';
      Files.writeString(
          zip.getPath("META-INF/ggml4j/natives", Platform.current().toString(), "manifest"),
          manifest.substring(0, hash) + wrong + manifest.substring(hash + 1));
    }
    assertThat(String.join("\n", run())).contains("is damaged: sha256", jar.toString());
  }

  private static String identity(Path file) throws IOException {
    var attributes = Files.readAttributes(file, BasicFileAttributes.class);
    return attributes.fileKey() + " " + attributes.lastModifiedTime();
  }

  private List<String> run() throws IOException, InterruptedException, URISyntaxException {
    var code = NativeLibrary.class.getProtectionDomain().getCodeSource().getLocation();
    var classes = Path.of(code.toURI());
    var path =
        String.join(
            System.getProperty("path.separator"),
            classes.toString(),
            classes.resolveSibling("test-classes").toString(),
            jar.toString());
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "--enable-native-access=ALL-UNNAMED",
                "-Dggml4j.native.cache=" + cache,
                "-cp",
                path,
                Program.class.getName()));
    var process = new ProcessBuilder(command).redirectErrorStream(true).start();
    process.getOutputStream().close();
    var output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    process.waitFor();
    return output.lines().toList();
  }
}
