package io.github.ggml4j.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.ggml4j.format.Goldens;
import io.github.ggml4j.format.internal.Json;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class DTypeTest {
  @Test
  void idsAndSizesAreThoseOfTheGgufPackage() {
    Map<String, Object> ours = new TreeMap<>();
    for (DType type : DType.values()) {
      if (type.isGgml()) {
        ours.put(
            type.name(),
            List.of((long) type.ggmlId(), (long) type.blockSize(), (long) type.bytesPerBlock()));
        assertThat(DType.fromGgmlId(type.ggmlId())).isSameAs(type);
      }
    }
    assertThat(ours)
        .isEqualTo(new TreeMap<>(Json.parseObject(Goldens.text("ggml_types.json"), "types")));
  }

  @Test
  void unknownIdsHaveNoType() {
    for (int id : new int[] {-1, 4, 5, 31, 33, 36, 38, 43, Integer.MAX_VALUE, Integer.MIN_VALUE}) {
      assertThat(DType.fromGgmlId(id)).isNull();
    }
  }

  @Test
  void byteSizeCountsBlocks() {
    assertThat(DType.F32.byteSize(3)).isEqualTo(12);
    assertThat(DType.Q4_K.byteSize(512)).isEqualTo(288);
    assertThatThrownBy(() -> DType.Q4_K.byteSize(100)).hasMessageContaining("256");
    assertThatThrownBy(() -> DType.F32.byteSize(-1)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> DType.F32.byteSize(Long.MAX_VALUE))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void plainTypesHaveNoGgmlId() {
    assertThat(Arrays.stream(DType.values()).filter(type -> !type.isGgml()))
        .allSatisfy(type ->
            assertThatThrownBy(type::ggmlId)
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining(type.name()));
  }
}
