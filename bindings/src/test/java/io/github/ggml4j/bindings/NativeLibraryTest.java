package io.github.ggml4j.bindings;

import static java.lang.foreign.MemorySegment.NULL;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.ggml4j.bindings.ffi.Ggml;
import io.github.ggml4j.bindings.ffi.ggml4j_params;
import io.github.ggml4j.bindings.ffi.ggml_init_params;
import io.github.ggml4j.bindings.ffi.ggml_tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Loads the real libraries. */
class NativeLibraryTest {
  @BeforeAll
  static void load() {
    NativeLibrary.load();
    NativeLibrary.load(); // does nothing the second time
  }

  @Test
  void describesTheLoadedLibraries() {
    assertThat(NativeLibrary.describe())
        .contains(
            "ggml      0.25.1",
            "v0.5.0",
            Platform.current().toString(),
            NativeLibrary.folder().toString(),
            "CPU (");
  }

  @Test
  void computesAGraph() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment params = ggml_init_params.allocate(arena);
      ggml_init_params.mem_size(
          params, 16 * Ggml.ggml_tensor_overhead() + Ggml.ggml_graph_overhead());
      ggml_init_params.no_alloc(params, true);
      MemorySegment context = Ggml.ggml_init(params);
      // rows of a times rows of b: (2, 3) and (4, 3) make (4, 2)
      MemorySegment a = Ggml.ggml_new_tensor_2d(context, Ggml.GGML_TYPE_F32(), 3, 2);
      MemorySegment b = Ggml.ggml_new_tensor_2d(context, Ggml.GGML_TYPE_F32(), 3, 4);
      MemorySegment product = Ggml.ggml_mul_mat(context, a, b);
      MemorySegment graph = Ggml.ggml_new_graph(context);
      Ggml.ggml_build_forward_expand(graph, product);

      MemorySegment device = Ggml.ggml_backend_dev_by_type(Ggml.GGML_BACKEND_DEVICE_TYPE_CPU());
      MemorySegment backend = Ggml.ggml_backend_dev_init(device, NULL);
      MemorySegment buffer = Ggml.ggml_backend_alloc_ctx_tensors(context, backend);
      float[] aValues = {1, 2, 3, 4, 5, 6};
      float[] bValues = {1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1, 1};
      Ggml.ggml_backend_tensor_set(
          a, arena.allocateFrom(JAVA_FLOAT, aValues), 0, 4L * aValues.length);
      Ggml.ggml_backend_tensor_set(
          b, arena.allocateFrom(JAVA_FLOAT, bValues), 0, 4L * bValues.length);
      assertThat(Ggml.ggml_backend_graph_compute(backend, graph))
          .isEqualTo(Ggml.GGML_STATUS_SUCCESS());
      MemorySegment result = arena.allocate(JAVA_FLOAT, 8);
      Ggml.ggml_backend_tensor_get(product, result, 0, 32);
      assertThat(result.toArray(JAVA_FLOAT)).containsExactly(1, 4, 2, 5, 3, 6, 6, 15);
      assertThat(ggml_tensor.ne(product, 0)).isEqualTo(2);
      assertThat(ggml_tensor.ne(product, 1)).isEqualTo(4);

      Ggml.ggml_backend_buffer_free(buffer);
      Ggml.ggml_backend_free(backend);
      Ggml.ggml_free(context);
    }
  }

  @Test
  void parametersHaveTheSizeThatTheKernelsExpect() {
    assertThat(ggml4j_params.sizeof()).isEqualTo(Ggml.ggml4j_sizeof_params());
  }

  @Test
  void librariesHaveEverySymbolOfTheBindings() throws ReflectiveOperationException {
    for (var method : Ggml.class.getMethods()) {
      if (method.getName().endsWith("$address")) {
        assertThat((MemorySegment) method.invoke(null)).as(method.getName()).isNotEqualTo(NULL);
      }
    }
  }

  @Test
  void missingBackendIsAnError() {
    assertThat(NativeLibrary.backends()).doesNotContain("nonesuch");
    assertThatThrownBy(() -> NativeLibrary.loadBackend("nonesuch"))
        .isInstanceOf(NativeLibraryException.class)
        .hasMessageContainingAll("nonesuch", NativeLibrary.folder().toString(), "cpu");
  }
}
