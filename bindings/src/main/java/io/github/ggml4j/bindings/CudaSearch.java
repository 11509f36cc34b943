package io.github.ggml4j.bindings;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The places where CUDA's own libraries are searched. The natives do not contain them.
 *
 * <p>If the user names a folder, only that is searched. Otherwise, in this order: the places of the
 * dynamic linker, {@code CUDA_PATH} and {@code CUDA_HOME}, {@code /usr/local/cuda} and {@code
 * /usr/local/cuda-*}, and Python packages: of the active virtual environment, the active Conda
 * environment, the user and the system.
 *
 * @param property reads a system property
 * @param variable reads an environment variable
 * @param root the root of the file system
 * @param home the user's home
 * @param target CUDA's name of the platform in the folder {@code targets}
 * @param major the major version of CUDA
 */
record CudaSearch(
    Function<String, @Nullable String> property,
    Function<String, @Nullable String> variable,
    Path root,
    Path home,
    String target,
    int major) {
  /** System property: the folder with CUDA's libraries; no other place is searched then. */
  static final String DIR_PROPERTY = "ggml4j.cuda.dir";

  /** The same as an environment variable; the property takes precedence. */
  static final String DIR_VARIABLE = "GGML4J_CUDA_DIR";

  /**
   * A place where the libraries may be.
   *
   * @param name its name in messages
   * @param folders searched in this order; the libraries of one place may be in several of them
   * @param linker whether the dynamic linker searches instead
   */
  record Place(String name, List<Path> folders, boolean linker) {
    static Place absent(Path pattern) {
      return new Place(pattern.toString(), List.of(), false);
    }

    /** Searches for the files of these names. */
    Found find(List<String> names) {
      List<Path> files = new ArrayList<>();
      List<String> missing = new ArrayList<>();
      for (String name : names) {
        folders.stream()
            .map(folder -> folder.resolve(name))
            .filter(Files::isRegularFile)
            .findFirst()
            .ifPresentOrElse(files::add, () -> missing.add(name));
      }
      return new Found(files, missing, folders.stream().noneMatch(Files::isDirectory));
    }
  }

  /**
   * The result of searching a place.
   *
   * @param files in the order of the names
   * @param missing the names that were not found
   * @param absent whether no folder of the place exists
   */
  record Found(List<Path> files, List<String> missing, boolean absent) {}

  static CudaSearch ofThisMachine(Platform platform, int major) {
    return new CudaSearch(
        System::getProperty,
        System::getenv,
        Path.of("/"),
        Path.of(System.getProperty("user.home", "/")),
        platform.cpu().equals("aarch64") ? "sbsa-linux" : "x86_64-linux",
        major);
  }

  /** The places in order. */
  List<Place> places() {
    Optional<String> named = named();
    if (named.isPresent()) {
      Path folder = Path.of(setting(named.get()).orElseThrow()).toAbsolutePath();
      return List.of(new Place(named.get() + "=" + folder, toolkit(folder, true), false));
    }
    List<Place> places = new ArrayList<>();
    places.add(new Place("the dynamic linker", List.of(), true));
    for (String name : List.of("CUDA_PATH", "CUDA_HOME")) {
      setting(name)
          .map(value -> Path.of(value).toAbsolutePath())
          .ifPresent(
              folder -> places.add(new Place(name + "=" + folder, toolkit(folder, false), false)));
    }
    List<Path> toolkits = matching(root.resolve("usr/local"), "cuda(-[0-9.]+)?");
    for (Path folder : toolkits) {
      places.add(new Place(folder.toString(), toolkit(folder, false), false));
    }
    if (toolkits.isEmpty()) {
      places.add(Place.absent(root.resolve("usr/local/cuda*")));
    }
    setting("VIRTUAL_ENV").ifPresent(prefix -> sitePackages(Path.of(prefix), places));
    setting("CONDA_PREFIX")
        .map(Path::of)
        .ifPresent(prefix -> {
          places.add(new Place("CONDA_PREFIX=" + prefix, toolkit(prefix, false), false));
          sitePackages(prefix, places);
        });
    sitePackages(home.resolve(".local"), places);
    sitePackages(root.resolve("usr/local"), places);
    sitePackages(root.resolve("usr"), places);
    return places;
  }

  /** The setting that names the only place, if there is one. */
  Optional<String> named() {
    return Stream.of(DIR_PROPERTY, DIR_VARIABLE)
        .filter(name -> setting(name).isPresent())
        .findFirst();
  }

  /** The settings of {@link #places} that are not set, for messages. */
  List<String> unset() {
    return Stream.of(
            DIR_PROPERTY, DIR_VARIABLE, "CUDA_PATH", "CUDA_HOME", "VIRTUAL_ENV", "CONDA_PREFIX")
        .filter(name -> setting(name).isEmpty())
        .toList();
  }

  /** A property or a variable; empty if it is unset or blank. */
  private Optional<String> setting(String name) {
    return Optional.ofNullable((name.equals(DIR_PROPERTY) ? property : variable).apply(name))
        .filter(value -> !value.isBlank());
  }

  private List<Path> toolkit(Path folder, boolean itself) {
    List<Path> folders = new ArrayList<>();
    if (itself) {
      folders.add(folder);
    }
    folders.add(folder.resolve("lib64"));
    folders.add(folder.resolve("lib"));
    folders.add(folder.resolve("targets").resolve(target).resolve("lib"));
    return folders;
  }

  /** The packages of every Python 3 below a prefix, the newest first. */
  private void sitePackages(Path prefix, List<Place> places) {
    int before = places.size();
    for (String lib : List.of("lib", "lib64")) {
      if (Files.isSymbolicLink(prefix.resolve(lib))) {
        continue; // lib64 is a link to lib
      }
      for (Path python : matching(prefix.resolve(lib), "python3(\\.[0-9]+)?")) {
        for (String packages : List.of("site-packages", "dist-packages")) {
          Path nvidia = python.resolve(packages).resolve("nvidia");
          if (Files.isDirectory(nvidia)) {
            places.add(new Place(nvidia.toString(), packages(nvidia), false));
          }
        }
      }
    }
    if (places.size() == before) {
      places.add(Place.absent(prefix.resolve("lib/python3*/site-packages/nvidia")));
    }
  }

  /** The packages of CUDA 13 and newer share a folder; those of CUDA 12 have a folder each. */
  private List<Path> packages(Path nvidia) {
    return List.of(
        nvidia.resolve("cu" + major).resolve("lib"),
        nvidia.resolve("cuda_runtime/lib"),
        nvidia.resolve("cublas/lib"));
  }

  /** Sorts folders by name: first the one without a version, then the newest. */
  private static List<Path> matching(Path parent, String pattern) {
    try (Stream<Path> entries = Files.list(parent)) {
      return entries
          .filter(path -> path.getFileName().toString().matches(pattern))
          .filter(Files::isDirectory)
          .sorted(Comparator.comparing(CudaSearch::version, CudaSearch::newestFirst))
          .toList();
    } catch (IOException e) {
      return List.of(); // does not exist or cannot be read
    }
  }

  private static String version(Path folder) {
    return folder.getFileName().toString().replaceFirst("^[a-z]+-?", "");
  }

  private static int newestFirst(String a, String b) {
    if (a.isEmpty() || b.isEmpty()) {
      return Boolean.compare(b.isEmpty(), a.isEmpty());
    }
    return java.lang.module.ModuleDescriptor.Version.parse(b)
        .compareTo(java.lang.module.ModuleDescriptor.Version.parse(a));
  }
}
