package io.github.ggml4j.bindings;

import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A folder with the native libraries of one platform.
 *
 * @param path the folder
 * @param names the libraries' file names, sorted
 * @param properties the properties of the manifest; empty if there is none
 */
record NativesFolder(Path path, List<String> names, Map<String, String> properties) {
  /** System property: the folder with the libraries; no other place is tried then. */
  static final String DIR_PROPERTY = "ggml4j.native.dir";

  private static final String RESOURCES = "META-INF/ggml4j/natives/";

  /**
   * Returns the folder of the system property or, if it is not set, the unpacked natives jar of
   * this platform. A jar with CUDA takes precedence.
   */
  static NativesFolder find(Platform platform) {
    String dir = System.getProperty(DIR_PROPERTY);
    if (dir != null && !dir.isBlank()) {
      return open(Path.of(dir).toAbsolutePath(), platform);
    }
    List<Bundle> bundles = bundles(platform);
    if (bundles.isEmpty()) {
      throw new NativeLibraryException(
          """
          No native libraries for %1$s. Tried:
            system property %2$s: not set
            %3$s%1$s/ on the class path and the module path: not there
          Add the jar with classifier natives-%1$s of io.github.ggml4j:ggml4j-native to the class path
          (on the module path it needs --add-modules io.github.ggml4j.natives), or name a folder with
          -D%2$s=FOLDER.\
          """
              .formatted(platform, DIR_PROPERTY, RESOURCES));
    }
    return unpack(platform, preferred(bundles));
  }

  /**
   * Natives with CUDA contain everything that natives without CUDA contain, in another build. If
   * both are on the class path, only those with CUDA are used.
   */
  private static List<Bundle> preferred(List<Bundle> bundles) {
    List<Bundle> cuda =
        bundles.stream()
            .filter(bundle -> bundle.manifest.properties().containsKey(CudaRuntime.VERSION_KEY))
            .toList();
    return cuda.isEmpty() ? bundles : cuda;
  }

  /**
   * Opens the folder of the system property; checks that all files of its manifest have their size.
   */
  static NativesFolder open(Path folder, Platform platform) {
    String origin = "System property %s=%s".formatted(DIR_PROPERTY, folder);
    if (!Files.isDirectory(folder)) {
      throw new NativeLibraryException(
          origin
              + ": there is no such folder. Name one that holds "
              + platform.fileName("ggml")
              + ", or unset it.");
    }
    try {
      Path file = folder.resolve(Manifest.FILE_NAME);
      if (!Files.isRegularFile(file)) {
        return new NativesFolder(folder, libraries(folder), Map.of());
      }
      Manifest manifest = Manifest.parse(Files.readString(file), file.toString());
      checkPlatform(manifest, platform, origin);
      for (Manifest.Entry entry : manifest.files()) {
        Path library = folder.resolve(entry.name());
        if (!Files.isRegularFile(library)) {
          throw new NativeLibraryException(
              "%s: %s is missing, the manifest lists it. Build the natives again."
                  .formatted(origin, entry.name()));
        }
        if (Files.size(library) != entry.size()) {
          throw new NativeLibraryException(
              "%s: %s has %,d bytes, the manifest says %,d. Build the natives again."
                  .formatted(origin, entry.name(), Files.size(library), entry.size()));
        }
      }
      return new NativesFolder(
          folder,
          manifest.files().stream().map(Manifest.Entry::name).sorted().toList(),
          manifest.properties());
    } catch (IOException e) {
      throw new NativeLibraryException(origin + ": cannot be read: " + e, e);
    }
  }

  private static List<String> libraries(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files
          .filter(Files::isRegularFile)
          .map(file -> file.getFileName().toString())
          .filter(name -> name.matches(".+\\.(so|dylib|dll)(\\.[0-9.]+)?"))
          .sorted()
          .toList();
    }
  }

  private static void checkPlatform(Manifest manifest, Platform platform, String origin) {
    if (!manifest.platform().equals(platform.toString())) {
      throw new NativeLibraryException(
          "%s: these libraries are for %s, this machine is %s. Use the natives built for %s."
              .formatted(origin, manifest.platform(), platform, platform));
    }
  }

  private static NativesFolder unpack(Platform platform, List<Bundle> bundles) {
    Map<String, Source> files = new LinkedHashMap<>();
    Map<String, String> properties = new LinkedHashMap<>();
    StringBuilder texts = new StringBuilder();
    for (Bundle bundle : bundles) {
      checkPlatform(bundle.manifest, platform, bundle.url.toString());
      texts.append(bundle.manifest.text());
      bundle.manifest.properties().forEach(properties::putIfAbsent);
      for (Manifest.Entry entry : bundle.manifest.files()) {
        Source source = new Source(entry, bundle.url);
        Source other = files.putIfAbsent(entry.name(), source);
        if (other != null && !other.entry.sha256().equals(entry.sha256())) {
          throw new NativeLibraryException(
              "Two different builds of %s are on the class path: in %s and in %s. Keep one of them."
                  .formatted(entry.name(), other.manifest, bundle.url));
        }
      }
    }
    Path folder = new NativesCache(platform).unpack(texts.toString(), List.copyOf(files.values()));
    return new NativesFolder(
        folder, files.keySet().stream().sorted().toList(), Map.copyOf(properties));
  }

  /**
   * A library in a natives jar.
   *
   * @param entry its entry in the manifest
   * @param manifest the URL of the manifest; the library is in the same folder
   */
  record Source(Manifest.Entry entry, URL manifest) {
    InputStream open() throws IOException {
      String url = manifest.toString();
      String folder = url.substring(0, url.length() - Manifest.FILE_NAME.length());
      var connection = java.net.URI.create(folder + entry.name()).toURL().openConnection();
      connection.setUseCaches(false);
      return connection.getInputStream();
    }
  }

  private record Bundle(URL url, Manifest manifest) {}

  private static List<Bundle> bundles(Platform platform) {
    String name = RESOURCES + platform + "/" + Manifest.FILE_NAME;
    Map<String, Bundle> bundles = new LinkedHashMap<>();
    for (ClassLoader loader : loaders()) {
      try {
        for (URL url : Collections.list(loader.getResources(name))) {
          try (InputStream in = url.openStream()) {
            String text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
            bundles.putIfAbsent(
                url.toString(), new Bundle(url, Manifest.parse(text, url.toString())));
          }
        }
      } catch (IOException e) {
        throw new NativeLibraryException("Cannot read " + name + " from the class path: " + e, e);
      }
    }
    return List.copyOf(bundles.values());
  }

  private static List<ClassLoader> loaders() {
    List<ClassLoader> loaders = new ArrayList<>();
    for (@Nullable ClassLoader loader :
        new @Nullable ClassLoader[] {
          NativesFolder.class.getClassLoader(), Thread.currentThread().getContextClassLoader()
        }) {
      if (loader != null && !loaders.contains(loader)) {
        loaders.add(loader);
      }
    }
    return loaders;
  }

  boolean has(String name) {
    return names.contains(name);
  }
}
