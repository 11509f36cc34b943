import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
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
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.jar.Attributes;
import java.util.jar.JarFile;
import java.util.spi.ToolProvider;
import java.util.stream.Stream;

/**
 * Makes the distributable: one zip with the launcher, the program's jars, the natives and a Java
 * runtime that jlink cuts down to the modules in use. Run by this module's pom.xml.
 */
public final class Dist {
  /** What jdeps cannot see: providers that are looked up by name. */
  private static final List<String> MODULES_BY_NAME =
      List.of(
          "jdk.crypto.ec", // TLS to the Hub, on runtimes that have it apart
          "jdk.zipfs");

  /** What libraries use where it is there and do without else. */
  private static final List<String> NOT_NEEDED =
      List.of(
          "java.desktop", // Jackson: annotations of java.beans
          "java.sql", // Jackson: dates of java.sql
          "jdk.incubator.vector"); // hardwood: only when asked for by an option

  private final Map<String, String> options = new TreeMap<>();
  private final Path root;
  private final String platform;
  private final Path target;
  private final Path image;

  private Dist(String[] args) throws IOException {
    for (var arg : args) {
      int equals = arg.indexOf('=');
      options.put(arg.substring(0, equals), arg.substring(equals + 1));
    }
    root = Path.of(options.get("root"));
    platform = options.get("platform").isEmpty() ? thisPlatform() : options.get("platform");
    target = root.resolve("dist/target");
    image = target.resolve("ggml4j-" + options.get("version") + "-" + platform);
  }

  /** Arguments are {@code name=value}, see pom.xml. */
  public static void main(String[] args) throws IOException {
    new Dist(args).make();
  }

  private void make() throws IOException {
    delete(image);
    Files.createDirectories(image.resolve("app"));
    copyProgram();
    copyNatives();
    link();
    copyTexts();
    var zip = target.resolve(image.getFileName() + ".zip");
    zip(zip);
    System.out.printf("%s: %.1f MB%n", zip, Files.size(zip) / 1e6);
  }

  private void copyProgram() throws IOException {
    var app = image.resolve("app");
    var program = app.resolve("ggml4j-cli.jar");
    Files.copy(root.resolve("cli/target/ggml4j-cli-" + options.get("version") + ".jar"), program);
    // Only what it names: the folder may hold libraries of earlier builds too
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

  private void copyNatives() throws IOException {
    var given = options.get("natives");
    var source = Path.of(given.isEmpty() ? options.get("built") : given);
    if (Files.isRegularFile(source)) {
      try (var jar = FileSystems.newFileSystem(source)) {
        copyNatives(jar.getPath("META-INF/ggml4j/natives", platform), source);
      }
    } else {
      copyNatives(source, source);
    }
  }

  private void copyNatives(Path folder, Path source) throws IOException {
    var manifest = folder.resolve("manifest");
    if (!Files.isRegularFile(manifest)) {
      throw new IOException(source + " has no natives for " + platform + " with a manifest");
    }
    var text = Files.readString(manifest);
    if (!text.lines().toList().contains("platform=" + platform)) {
      throw new IOException(source + " has natives for another platform than " + platform);
    }
    if (!text.lines().toList().contains("build=release")) {
      System.out.println(
          "WARNING: these natives are for the machine that built them only; a zip for others needs"
              + " a release build: -Dggml4j.native.preset="
              + platform);
    }
    var natives = Files.createDirectories(image.resolve("natives"));
    for (var file : list(folder, "")) {
      Files.copy(file, natives.resolve(file.getFileName().toString()));
    }
  }

  private void link() throws IOException {
    var jmods = options.get("jmods");
    if (jmods.isEmpty() && !platform.equals(thisPlatform())) {
      throw new IOException(
          "A zip for %s needs that platform's Java: -Dggml4j.dist.jmods=FOLDER, the jmods of a JDK %d for it"
              .formatted(platform, Runtime.version().feature()));
    }
    var app = image.resolve("app");
    List<String> deps =
        new ArrayList<>(
            List.of(
                "--ignore-missing-deps",
                "--multi-release",
                String.valueOf(Runtime.version().feature()),
                "--list-deps",
                "--module-path",
                app.toString()));
    list(app, ".jar").forEach(jar -> deps.add(jar.toString()));
    var known = available(jmods);
    var modules = new TreeSet<String>();
    run("jdeps", deps).lines().map(line -> line.strip().split("/")[0]).forEach(modules::add);
    modules.addAll(MODULES_BY_NAME);
    NOT_NEEDED.forEach(modules::remove);
    modules.retainAll(known);
    List<String> link =
        new ArrayList<>(
            List.of(
                "--add-modules",
                String.join(",", modules),
                "--output",
                image.resolve("runtime").toString(),
                "--strip-java-debug-attributes",
                "--no-header-files",
                "--no-man-pages",
                "--vm=server"));
    if (!jmods.isEmpty()) {
      link.addAll(List.of("--module-path", jmods));
    }
    run("jlink", link);
    System.out.println("Runtime of Java " + Runtime.version() + ": " + String.join(" ", modules));
  }

  private static TreeSet<String> available(String jmods) throws IOException {
    var names = new TreeSet<String>();
    if (jmods.isEmpty()) {
      ModuleLayer.boot().configuration().modules().forEach(module -> names.add(module.name()));
      java.lang.module.ModuleFinder.ofSystem().findAll().stream()
          .map(module -> module.descriptor().name())
          .forEach(names::add);
    } else {
      for (var file : list(Path.of(jmods), ".jmod")) {
        names.add(file.getFileName().toString().replaceAll("\\.jmod$", ""));
      }
    }
    return names;
  }

  private static String run(String tool, List<String> args) throws IOException {
    var out = new ByteArrayOutputStream();
    var err = new ByteArrayOutputStream();
    int status =
        ToolProvider.findFirst(tool)
            .orElseThrow(() -> new IOException("This Java has no " + tool + "; a JDK is needed"))
            .run(new PrintStream(out), new PrintStream(err), args.toArray(String[]::new));
    if (status != 0) {
      throw new IOException(tool + " failed: " + out + err);
    }
    return out.toString();
  }

  private void copyTexts() throws IOException {
    var windows = platform.startsWith("windows");
    var name = windows ? "ggml4j.cmd" : "ggml4j";
    var script = Files.readString(root.resolve("dist").resolve(windows ? name : name + ".sh"));
    Files.writeString(image.resolve(name), script.replace("@ID@", id()));
    for (var text : List.of("LICENSE", "NOTICE", "README.md")) {
      Files.copy(root.resolve(text), image.resolve(text));
    }
    Files.createDirectories(image.resolve("docs"));
    Files.copy(root.resolve("docs/cli.md"), image.resolve("docs/cli.md")); // README points there
    if (!windows) {
      complete();
    }
  }

  /** The completion of commands and options for bash and zsh, as the program itself prints it. */
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
        throw new IOException("There is no completion: exit code " + status + ", see " + script);
      }
    } catch (InterruptedException e) {
      throw new IOException("interrupted", e);
    }
  }

  /** A name for the contents of app and runtime. */
  private String id() throws IOException {
    try {
      var digest = MessageDigest.getInstance("SHA-256");
      for (var file : tree(image)) {
        digest.update((image.relativize(file) + " " + Files.size(file)).getBytes());
      }
      for (var jar : list(image.resolve("app"), ".jar")) {
        digest.update(Files.readAllBytes(jar));
      }
      return HexFormat.of().formatHex(digest.digest(), 0, 10);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Every Java platform has SHA-256", e);
    }
  }

  /** One zip of the files: sorted, all with the same time. */
  private void zip(Path zip) throws IOException {
    Files.deleteIfExists(zip);
    var stamp = FileTime.from(Instant.parse(options.get("stamp")));
    Map<String, Object> settings = Map.of("create", "true", "enablePosixFileAttributes", "true");
    try (FileSystem fs = FileSystems.newFileSystem(zip, settings)) {
      for (var file : tree(image)) {
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

  private static List<Path> tree(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      return files.filter(Files::isRegularFile).sorted().toList();
    }
  }

  private static List<Path> list(Path folder, String end) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files
          .filter(Files::isRegularFile)
          .filter(file -> file.getFileName().toString().endsWith(end))
          .sorted()
          .toList();
    }
  }

  private static void delete(Path folder) throws IOException {
    if (!Files.exists(folder)) {
      return;
    }
    try (Stream<Path> files = Files.walk(folder)) {
      for (var file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }

  /** As the natives' folders are called. */
  private static String thisPlatform() {
    var os = System.getProperty("os.name").toLowerCase();
    var arch = System.getProperty("os.arch");
    var name = os.startsWith("windows") ? "windows" : os.startsWith("mac") ? "macos" : "linux";
    var cpu =
        arch.equals("amd64") || arch.equals("x86_64")
            ? "x86_64"
            : name.equals("macos") ? "arm64" : arch;
    return name + "-" + cpu;
  }
}
