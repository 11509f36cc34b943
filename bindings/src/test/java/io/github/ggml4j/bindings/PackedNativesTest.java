package io.github.ggml4j.bindings;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

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

/** The real libraries in a jar on the class path, as users have them. Each run is a new JVM. */
class PackedNativesTest {
  @TempDir private Path temp;
  private Path jar;
  private Path cache;

  /** The program that each JVM runs. */
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
  void areUnpackedOnceAndRepairedIfDamaged() throws Exception {
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
  void errorNamesADamagedJar() throws Exception {
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

  /** The JVM runs in a mount namespace in which the folder is an empty file system without exec. */
  @Test
  void cacheFolderMountedNoexecIsSkipped() throws Exception {
    var locked = Files.createDirectories(temp.resolve("locked"));
    assumeTrue(run(List.of(), noexec(locked, "true")).isEmpty(), "needs unshare and mount");
    var free = Files.createDirectories(temp.resolve("free"));
    var options = List.of("-Djava.io.tmpdir=" + free);
    var output = run(options, noexec(locked, "XDG_CACHE_HOME=" + locked + " exec \"$@\""));
    assertThat(Path.of(output.getFirst()).getParent()).hasParent(free);
    assertThat(String.join("\n", output)).contains("devices", "CPU (");

    var named = List.of("-Dggml4j.native.cache=" + locked);
    assertThat(String.join("\n", run(named, noexec(locked, "exec \"$@\""))))
        .contains(locked + ": ", "noexec", "-Dggml4j.native.cache=FOLDER");
  }

  @Test
  void errorNamesAUserFolderMountedNoexec() throws Exception {
    var locked = Files.createDirectories(temp.resolve("locked"));
    assumeTrue(run(List.of(), noexec(locked, "true")).isEmpty(), "needs unshare and mount");
    var script = "cp " + NativeLibrary.folder() + "/* " + locked + " && exec \"$@\"";
    var named = List.of("-Dggml4j.native.dir=" + locked);
    assertThat(String.join("\n", run(named, noexec(locked, script))))
        .contains("Cannot load " + locked, "noexec", "-Dggml4j.native.dir=FOLDER");
  }

  private static List<String> noexec(Path folder, String script) {
    var mount = "mount -t tmpfs -o noexec tmpfs " + folder + " && ";
    var root = System.getProperty("user.name").equals("root");
    return List.of("unshare", root ? "-m" : "-rm", "sh", "-c", mount + script, "sh");
  }

  private static String identity(Path file) throws IOException {
    var attributes = Files.readAttributes(file, BasicFileAttributes.class);
    return attributes.fileKey() + " " + attributes.lastModifiedTime();
  }

  private List<String> run() throws IOException, InterruptedException, URISyntaxException {
    return run(List.of("-Dggml4j.native.cache=" + cache), List.of());
  }

  /** What the program prints, started with these options and by this command. */
  private List<String> run(List<String> options, List<String> starter)
      throws IOException, InterruptedException, URISyntaxException {
    var code = NativeLibrary.class.getProtectionDomain().getCodeSource().getLocation();
    var classes = Path.of(code.toURI());
    var path =
        String.join(
            System.getProperty("path.separator"),
            classes.toString(),
            classes.resolveSibling("test-classes").toString(),
            jar.toString());
    List<String> command = new ArrayList<>(starter);
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("-XX:TieredStopAtLevel=1");
    command.add("--enable-native-access=ALL-UNNAMED");
    command.addAll(options);
    command.addAll(List.of("-cp", path, Program.class.getName()));
    var process = new ProcessBuilder(command).redirectErrorStream(true).start();
    process.getOutputStream().close();
    var output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    process.waitFor();
    return output.lines().toList();
  }
}
