import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.jar.Attributes;
import java.util.jar.JarFile;

/**
 * Builds the distributable: one zip with the launcher, the program's jars, the natives and a Java
 * runtime that contains only the modules in use. Run by this module's pom.xml.
 */
public final class Dist {
  private final Map<String, String> options;
  private final Path root;
  private final String platform;
  private final Path target;
  private final Path image;

  private Dist(String[] args) throws IOException {
    options = Image.options(args);
    root = Path.of(options.get("root"));
    platform = options.get("platform").isEmpty() ? Image.thisPlatform() : options.get("platform");
    target = root.resolve("dist/target");
    image = target.resolve("ggml4j-" + options.get("version") + "-" + platform);
  }

  /** Arguments are {@code name=value}, see pom.xml. */
  public static void main(String[] args) throws IOException {
    new Dist(args).make();
  }

  private void make() throws IOException {
    var made = Image.create(image, platform);
    copyProgram();
    var given = options.get("natives");
    made.copyNatives(Path.of(given.isEmpty() ? options.get("built") : given));
    made.link(options.get("jmods"));
    copyTexts();
    var zip = target.resolve(image.getFileName() + ".zip");
    zip(zip);
    System.out.printf("%s: %.1f MB%n", zip, Files.size(zip) / 1e6);
  }

  private void copyProgram() throws IOException {
    var app = image.resolve("app");
    var program = app.resolve("ggml4j-cli.jar");
    Files.copy(root.resolve("cli/target/ggml4j-cli-" + options.get("version") + ".jar"), program);
    // Only the jars of its class path: the folder may contain libraries of earlier builds
    for (var name : classPath(program)) {
      Files.copy(root.resolve("cli/target/app").resolve(name), app.resolve(name));
      if (name.startsWith("picocli-")) {
        RenewClasses.renew(app.resolve(name));
      }
    }
  }

  private static List<String> classPath(Path program) throws IOException {
    try (var jar = new JarFile(program.toFile())) {
      var path = jar.getManifest().getMainAttributes().getValue(Attributes.Name.CLASS_PATH);
      return List.of(path.split(" "));
    }
  }

  private void copyTexts() throws IOException {
    var windows = platform.startsWith("windows");
    var name = windows ? "ggml4j.cmd" : "ggml4j";
    var script = Files.readString(root.resolve("dist").resolve(windows ? name : name + ".sh"));
    Files.writeString(image.resolve(name), script.replace("@ID@", id()));
    for (var text : List.of("LICENSE", "NOTICE", "README.md")) {
      Files.copy(root.resolve(text), image.resolve(text));
    }
    copyFiles("docs", "*.md", "docs"); // linked from README
    copyFiles("dist/licenses", "*.txt", "licenses"); // linked from NOTICE
    if (!windows) {
      complete();
      var manual = Files.createDirectories(image.resolve("share/man/man1"));
      Files.copy(root.resolve("docs/ggml4j.1"), manual.resolve("ggml4j.1"));
    }
  }

  private void copyFiles(String from, String pattern, String to) throws IOException {
    var target = Files.createDirectories(image.resolve(to));
    try (var files = Files.newDirectoryStream(root.resolve(from), pattern)) {
      for (var file : files) {
        Files.copy(file, target.resolve(file.getFileName()));
      }
    }
  }

  /** Writes the completion script for bash and zsh, which the program itself prints. */
  private void complete() throws IOException {
    var script = image.resolve("ggml4j_completion");
    var java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
    var program = image.resolve("app/ggml4j-cli.jar").toString();
    var process =
        new ProcessBuilder(java, "-XX:TieredStopAtLevel=1", "-jar", program, "completion", "bash")
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .redirectOutput(script.toFile());
    try {
      int status = process.start().waitFor();
      if (status != 0 || !Files.readString(script).contains("finetune")) {
        throw new IOException("The completion script could not be made: exit code " + status + ", output in " + script);
      }
    } catch (InterruptedException e) {
      throw new IOException("interrupted", e);
    }
  }

  /** A hash of the content of app and the names and sizes of all files. */
  private String id() throws IOException {
    try {
      var digest = MessageDigest.getInstance("SHA-256");
      for (var file : Image.tree(image)) {
        digest.update((image.relativize(file) + " " + Files.size(file)).getBytes());
      }
      for (var jar : Image.list(image.resolve("app"), ".jar")) {
        digest.update(Files.readAllBytes(jar));
      }
      return HexFormat.of().formatHex(digest.digest(), 0, 10);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Every Java platform has SHA-256", e);
    }
  }

  /** Writes the zip; files are sorted and have the same time, so that builds are reproducible. */
  private void zip(Path zip) throws IOException {
    Files.deleteIfExists(zip);
    var stamp = FileTime.from(Instant.parse(options.get("stamp")));
    Map<String, Object> settings = Map.of("create", "true", "enablePosixFileAttributes", "true");
    try (FileSystem fs = FileSystems.newFileSystem(zip, settings)) {
      for (var file : Image.tree(image)) {
        var entry = fs.getPath(target.relativize(file).toString().replace('\\', '/'));
        if (entry.getParent() != null) {
          Files.createDirectories(entry.getParent());
        }
        Files.copy(file, entry, StandardCopyOption.COPY_ATTRIBUTES);
        Files.setPosixFilePermissions(
            entry, PosixFilePermissions.fromString(isProgram(file) ? "rwxr-xr-x" : "rw-r--r--"));
        Files.setLastModifiedTime(entry, stamp);
      }
    }
  }

  private boolean isProgram(Path file) {
    var name = image.relativize(file).toString().replace('\\', '/');
    return name.equals("ggml4j")
        || name.startsWith("runtime/bin/")
        || name.endsWith("jspawnhelper");
  }
}
