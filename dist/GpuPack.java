import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.jar.JarFile;
import java.util.stream.Stream;
import java.util.zip.Deflater;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/**
 * Builds the archive for a GPU machine that has nothing but a driver: device tests, benchmarks,
 * natives and a Java runtime, compressed with xz. Run by this module's pom.xml.
 */
public final class GpuPack {
  /** Jars that are used only for compressed datasets and soft assertions; the archive needs neither. */
  private static final List<String> LEFT_OUT =
      List.of("zstd-jni-", "snappy-java-", "hardwood-", "byte-buddy-");

  private static final List<String> MODULES = List.of("java-api", "trainer");

  private static final List<String> PEERS =
      List.of("measure.py", "pytorch_work.py", "pytorch_peer.py");

  private final Map<String, String> options;
  private final Path root;
  private final Path target;
  private final Path folder;

  private GpuPack(String[] args) {
    options = Image.options(args);
    root = Path.of(options.get("root"));
    target = root.resolve("dist/target");
    folder = target.resolve("ggml4j-gpu");
  }

  /** Arguments are {@code name=value}, see pom.xml. */
  public static void main(String[] args) throws IOException, InterruptedException {
    new GpuPack(args).make();
  }

  private void make() throws IOException, InterruptedException {
    var image = Image.create(folder, Image.thisPlatform());
    copyProgram();
    var given = options.get("natives");
    image.copyNatives(Path.of(given.isEmpty() ? options.get("built") : given));
    image.link("");
    slim();
    for (var module : MODULES) {
      copyTests(module);
    }
    copyGoldens("java-api/src/test/resources/golden/models");
    copyGoldens("trainer/src/test/resources/golden/trainer.json");
    for (var name : PEERS) {
      copy(root.resolve("benchmarks/peers").resolve(name), folder.resolve("peers").resolve(name));
    }
    for (var text : List.of("LICENSE", "NOTICE")) {
      copy(root.resolve(text), folder.resolve(text));
    }
    var run = folder.resolve("run");
    copy(root.resolve("dist/gpu-run.sh"), run);
    Files.setPosixFilePermissions(run, PosixFilePermissions.fromString("rwxr-xr-x"));
    compress();
  }

  private void copyProgram() throws IOException {
    var app = folder.resolve("app");
    var built = root.resolve("benchmarks/target");
    var name = "ggml4j-benchmarks-" + options.get("version") + ".jar";
    copy(built.resolve(name), app.resolve(name));
    for (var jar : Image.list(built.resolve("app"), ".jar")) {
      copy(jar, app.resolve(jar.getFileName()));
    }
  }

  /**
   * Deletes jars that are not needed, after the runtime is linked, because jdeps needs them. Stores
   * the others uncompressed, because xz compresses their content better than deflate does.
   */
  private void slim() throws IOException {
    for (var jar : Image.list(folder.resolve("app"), ".jar")) {
      if (LEFT_OUT.stream().anyMatch(jar.getFileName().toString()::startsWith)) {
        Files.delete(jar);
      } else {
        inflate(jar);
      }
    }
  }

  private static void inflate(Path jar) throws IOException {
    var plain = jar.resolveSibling(jar.getFileName() + ".new");
    try (var in = new JarFile(jar.toFile());
        var out = new ZipOutputStream(Files.newOutputStream(plain))) {
      out.setLevel(Deflater.NO_COMPRESSION);
      for (var entry : Collections.list(in.entries())) {
        var copy = new ZipEntry(entry.getName());
        copy.setLastModifiedTime(entry.getLastModifiedTime());
        out.putNextEntry(copy);
        in.getInputStream(entry).transferTo(out);
        out.closeEntry();
      }
    }
    Files.move(plain, jar, StandardCopyOption.REPLACE_EXISTING);
  }

  private void copyTests(String module) throws IOException {
    var classes = root.resolve(module).resolve("target/test-classes");
    var to = folder.resolve(module).resolve("test-classes");
    for (var file : Image.tree(classes)) {
      if (file.toString().endsWith(".class")) {
        copy(file, to.resolve(classes.relativize(file).toString()));
      }
    }
  }

  /** Tests find these files by their paths in the source tree. */
  private void copyGoldens(String place) throws IOException {
    try (Stream<Path> files = Files.walk(root.resolve(place))) {
      for (var file : files.filter(Files::isRegularFile).toList()) {
        copy(file, folder.resolve(root.relativize(file).toString()));
      }
    }
  }

  private static void copy(Path from, Path to) throws IOException {
    Files.createDirectories(to.getParent());
    Files.copy(from, to, StandardCopyOption.REPLACE_EXISTING);
  }

  /** Runs tar and xz; Java has no xz. */
  private void compress() throws IOException, InterruptedException {
    var archive = target.resolve(folder.getFileName() + ".tar.xz");
    var tar =
        new ProcessBuilder(
                "tar",
                "--sort=name",
                "--owner=0",
                "--group=0",
                "--mtime=" + options.get("stamp"),
                "-cJf",
                archive.toString(),
                folder.getFileName().toString())
            .directory(target.toFile())
            .inheritIO();
    tar.environment().put("XZ_OPT", "-9");
    int status = tar.start().waitFor();
    if (status != 0) {
      throw new IOException("tar failed with exit code " + status + "; install GNU tar and xz");
    }
    System.out.printf("%s: %.1f MB%n", archive, Files.size(archive) / 1e6);
  }
}
