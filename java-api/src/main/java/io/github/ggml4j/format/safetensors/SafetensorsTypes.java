package io.github.ggml4j.format.safetensors;

import io.github.ggml4j.tensor.DType;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The element types that safetensors files and this library have in common. */
final class SafetensorsTypes {
  /** In the order of the reference implementation, by which tensors are laid out. */
  private static final List<DType> TYPES =
      List.of(
          DType.BOOL,
          DType.U8,
          DType.I8,
          DType.F8_E5M2,
          DType.F8_E4M3,
          DType.I16,
          DType.U16,
          DType.F16,
          DType.BF16,
          DType.I32,
          DType.U32,
          DType.F32,
          DType.F64,
          DType.I64,
          DType.U64);

  private SafetensorsTypes() {}

  /** The type of this name, or null; the names in files are those of {@link DType}. */
  static @Nullable DType fromName(String name) {
    for (DType type : TYPES) {
      if (type.name().equals(name)) {
        return type;
      }
    }
    return null;
  }

  /** The place of a type in the layout order, -1 for types that these files do not have. */
  static int rank(DType type) {
    return TYPES.indexOf(type);
  }

  static String names() {
    return TYPES.toString();
  }
}
