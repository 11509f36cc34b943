package io.github.ggml4j.format.gguf;

import org.jspecify.annotations.Nullable;

/** Types of metadata values, in the order of their ids in the file. */
public enum GgufType {
  /** Unsigned 8-bit integer. */
  UINT8(0, 1),
  /** Signed 8-bit integer. */
  INT8(1, 1),
  /** Unsigned 16-bit integer. */
  UINT16(2, 2),
  /** Signed 16-bit integer. */
  INT16(3, 2),
  /** Unsigned 32-bit integer. */
  UINT32(4, 4),
  /** Signed 32-bit integer. */
  INT32(5, 4),
  /** Single precision. */
  FLOAT32(6, 4),
  /** One byte, 0 or 1. */
  BOOL(7, 1),
  /** Length in bytes (64 bits), then UTF-8. */
  STRING(8, 0),
  /** Element type, count (64 bits), then the elements. */
  ARRAY(9, 0),
  /** Unsigned 64-bit integer. */
  UINT64(10, 8),
  /** Signed 64-bit integer. */
  INT64(11, 8),
  /** Double precision. */
  FLOAT64(12, 8);

  private static final GgufType[] TYPES = values();

  private final int id;
  private final int size;

  GgufType(int id, int size) {
    this.id = id;
    this.size = size;
  }

  /** The number in the file. */
  int id() {
    return id;
  }

  /** Bytes of one value; 0 for strings and arrays, whose size varies. */
  int size() {
    return size;
  }

  boolean isInteger() {
    return switch (this) {
      case UINT8, INT8, UINT16, INT16, UINT32, INT32, UINT64, INT64 -> true;
      default -> false;
    };
  }

  static @Nullable GgufType fromId(int id) {
    return id >= 0 && id < TYPES.length ? TYPES[id] : null;
  }
}
