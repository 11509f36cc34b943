package io.github.ggml4j.bindings;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The search for CUDA's libraries, with folders of empty files. */
class CudaSearchTest {
  private static final List<String> NAMES = CudaLibraries.names(13);

  @TempDir private Path root;
  private final Map<String, String> properties = new HashMap<>();
  private final Map<String, String> variables = new HashMap<>();

  private CudaSearch search() {
    return new CudaSearch(
        properties::get, variables::get, root, root.resolve("home/me"), "x86_64-linux", 13);
  }

  /** Creates all libraries in a folder. */
  private Path libraries(String folder) throws IOException {
    return libraries(folder, NAMES);
  }

  private Path libraries(String folder, List<String> names) throws IOException {
    Path path = root.resolve(folder);
    Files.createDirectories(path);
    for (String name : names) {
      Files.writeString(path.resolve(name), "");
    }
    return path;
  }

  /** The folders of the places that have all libraries, in order. */
  private List<Path> hits() {
    return search().places().stream()
        .map(place -> place.find(NAMES))
        .filter(found -> found.missing().isEmpty())
        .map(found -> found.files().getFirst().getParent())
        .toList();
  }

  private void variable(String name, Path value) {
    variables.put(name, value.toString());
  }

  @Test
  void searchesPlacesInOrder() throws IOException {
    var expected =
        List.of(
            libraries("path/lib64"),
            libraries("home/lib"),
            libraries("usr/local/cuda/targets/x86_64-linux/lib"),
            libraries("usr/local/cuda-13.1/lib64"),
            libraries("usr/local/cuda-13.0/lib64"),
            libraries("usr/local/cuda-9.2/lib64"),
            libraries("venv/lib/python3.12/site-packages/nvidia/cu13/lib"),
            libraries("conda/lib"),
            libraries("conda/lib/python3.11/site-packages/nvidia/cu13/lib"),
            libraries("home/me/.local/lib/python3.11/site-packages/nvidia/cu13/lib"),
            libraries("home/me/.local/lib/python3.9/site-packages/nvidia/cu13/lib"),
            libraries("usr/local/lib/python3.11/dist-packages/nvidia/cu13/lib"),
            libraries("usr/lib/python3/dist-packages/nvidia/cu13/lib"));
    variable("CUDA_PATH", root.resolve("path"));
    variable("CUDA_HOME", root.resolve("home"));
    variable("VIRTUAL_ENV", root.resolve("venv"));
    variable("CONDA_PREFIX", root.resolve("conda"));
    assertThat(hits()).isEqualTo(expected);
    assertThat(search().places().getFirst().linker()).isTrue();
    assertThat(search().unset()).containsExactly("ggml4j.cuda.dir", "GGML4J_CUDA_DIR");
  }

  @Test
  void onlyTheNamedFolderIsSearched() throws IOException {
    libraries("usr/local/cuda/lib64");
    variable("CUDA_PATH", root.resolve("usr/local/cuda"));
    variables.put("GGML4J_CUDA_DIR", root.resolve("nowhere").toString());
    assertThat(search().places()).hasSize(1);
    assertThat(hits()).isEmpty();
    properties.put(
        "ggml4j.cuda.dir", libraries("mine").toString()); // takes precedence over the variable
    assertThat(hits()).containsExactly(root.resolve("mine"));
    properties.put("ggml4j.cuda.dir", root.resolve("usr/local/cuda").toString()); // a toolkit
    assertThat(hits()).containsExactly(root.resolve("usr/local/cuda/lib64"));
  }

  @Test
  void findsSeparatePackagesOfCuda12() throws IOException {
    var nvidia = "home/me/.local/lib/python3.11/site-packages/nvidia/";
    var old = CudaLibraries.names(12);
    libraries(nvidia + "cuda_runtime/lib", old.subList(0, 1));
    libraries(nvidia + "cublas/lib", old.subList(1, 3));
    var search =
        new CudaSearch(
            properties::get, variables::get, root, root.resolve("home/me"), "x86_64-linux", 12);
    assertThat(search.places().stream().filter(place -> place.find(old).missing().isEmpty()))
        .hasSize(1);
    assertThat(hits()).isEmpty(); // libraries of version 13
  }

  @Test
  void placesWithoutAllLibrariesAreSkipped() throws IOException {
    libraries("usr/local/cuda-13.0/lib64", NAMES.subList(0, 2));
    var place =
        search().places().stream()
            .filter(candidate -> candidate.name().endsWith("cuda-13.0"))
            .findFirst()
            .orElseThrow();
    assertThat(place.find(NAMES).missing()).containsExactly("libcublas.so.13");
  }

  @Test
  void namesMissingLibraries() {
    assertThat(search().places().stream().skip(1).map(CudaSearch.Place::name))
        .containsExactly(
            root.resolve("usr/local/cuda*").toString(),
            root.resolve("home/me/.local/lib/python3*/site-packages/nvidia").toString(),
            root.resolve("usr/local/lib/python3*/site-packages/nvidia").toString(),
            root.resolve("usr/lib/python3*/site-packages/nvidia").toString());
    assertThat(search().places().stream().skip(1).map(place -> place.find(NAMES)))
        .allMatch(CudaSearch.Found::absent);
    assertThat(search().unset()).hasSize(6);
  }
}
