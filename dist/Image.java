import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.spi.ToolProvider;
import java.util.stream.Stream;

/** A folder with jars in {@code app}, natives, and a Java runtime made by jlink. */
final class Image {
  /** Modules that jdeps does not find, because providers are looked up by name. */
  private static final List<String> MODULES_BY_NAME =
      List.of(
          "jdk.crypto.ec", // TLS to the Hub; a module of its own in older runtimes
          "jdk.zipfs");

  /** Optional modules of libraries. */
  private static final List<String> NOT_NEEDED =
      List.of(
          "java.desktop", // Jackson: annotations of java.beans
          "java.sql", // Jackson: dates of java.sql
          "jdk.incubator.vector"); // hardwood: used only if an option is set

  private final Path folder;
  private final String platform;

  private Image(Path folder, String platform) {
    this.folder = folder;
    this.platform = platform;
  }

  /** Creates an empty folder; deletes an existing one first. */
  static Image create(Path folder, String platform) throws IOException {
    delete(folder);
    Files.createDirectories(folder.resolve("app"));
    return new Image(folder, platform);
  }

  /** Parses arguments of the form {@code name=value}. */
  static Map<String, String> options(String[] args) {
    var options = new TreeMap<String, String>();
    for (var arg : args) {
      int equals = arg.indexOf('=');
      options.put(arg.substring(0, equals), arg.substring(equals + 1));
    }
    return options;
  }

  /** Copies the natives of this platform from a folder or a jar. */
  void copyNatives(Path source) throws IOException {
    if (Files.isRegularFile(source)) {
      try (var jar = FileSystems.newFileSystem(source)) {
        copyNatives(jar.getPath("META-INF/ggml4j/natives", platform), source);
      }
    } else {
      copyNatives(source, source);
    }
  }

  private void copyNatives(Path from, Path source) throws IOException {
    var manifest = from.resolve("manifest");
    if (!Files.isRegularFile(manifest)) {
      throw new IOException(source + " contains no natives for " + platform + " with a manifest");
    }
    var text = Files.readString(manifest);
    if (!text.lines().toList().contains("platform=" + platform)) {
      throw new IOException(source + " contains natives for another platform than " + platform);
    }
    if (!text.lines().toList().contains("build=release")) {
      System.out.println(
          "WARNING: these natives run only on the machine that built them. A zip for other machines needs"
              + " a release build: -Dggml4j.native.preset="
              + platform);
    }
    var natives = Files.createDirectories(folder.resolve("natives"));
    for (var file : list(from, "")) {
      Files.copy(file, natives.resolve(file.getFileName().toString()));
    }
  }

  /**
   * Links the runtime with the modules that the jars need.
   *
   * @param jmods the jmods folder of a JDK for that platform; empty for the JDK that runs this
   */
  void link(String jmods) throws IOException {
    if (jmods.isEmpty() && !platform.equals(thisPlatform())) {
      throw new IOException(
          "A zip for %s needs the Java modules of that platform: pass the jmods folder of a JDK %d with -Dggml4j.dist.jmods=FOLDER"
              .formatted(platform, Runtime.version().feature()));
    }
    var app = folder.resolve("app");
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
                folder.resolve("runtime").toString(),
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
            .orElseThrow(() -> new IOException("This Java runtime has no " + tool + "; run with a JDK"))
            .run(new PrintStream(out), new PrintStream(err), args.toArray(String[]::new));
    if (status != 0) {
      throw new IOException(tool + " failed: " + out + err);
    }
    return out.toString();
  }

  static List<Path> tree(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      return files.filter(Files::isRegularFile).sorted().toList();
    }
  }

  static List<Path> list(Path folder, String end) throws IOException {
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

  /** The name of this platform as in manifests of natives, such as linux-x86_64. */
  static String thisPlatform() {
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
