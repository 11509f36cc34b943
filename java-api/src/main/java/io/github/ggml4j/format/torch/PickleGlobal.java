package io.github.ggml4j.format.torch;

import io.github.ggml4j.tensor.DType;
import org.jspecify.annotations.Nullable;

/** The Python objects that a state dict consists of; a pickle that names another is refused. */
enum PickleGlobal {
  ORDERED_DICT("collections.OrderedDict"),
  SIZE("torch.Size"),
  REBUILD_TENSOR("torch._utils._rebuild_tensor"),
  REBUILD_TENSOR_V2("torch._utils._rebuild_tensor_v2"),
  REBUILD_PARAMETER("torch._utils._rebuild_parameter"),
  FLOAT("torch.FloatStorage", DType.F32),
  HALF("torch.HalfStorage", DType.F16),
  BFLOAT16("torch.BFloat16Storage", DType.BF16),
  DOUBLE("torch.DoubleStorage", DType.F64),
  LONG("torch.LongStorage", DType.I64),
  INT("torch.IntStorage", DType.I32),
  SHORT("torch.ShortStorage", DType.I16),
  CHAR("torch.CharStorage", DType.I8),
  BYTE("torch.ByteStorage", DType.U8),
  BOOL("torch.BoolStorage", DType.BOOL);

  private final String path;
  private final @Nullable DType storage;

  PickleGlobal(String path) {
    this(path, null);
  }

  PickleGlobal(String path, @Nullable DType storage) {
    this.path = path;
    this.storage = storage;
  }

  /** The type of the elements of a storage class, null for anything else. */
  @Nullable DType storage() {
    return storage;
  }

  /** The object of a module, or null when it is none of these. */
  static @Nullable PickleGlobal find(String module, String name) {
    String path = module + "." + name;
    for (PickleGlobal global : values()) {
      if (global.path.equals(path)) {
        return global;
      }
    }
    return null;
  }

  @Override
  public String toString() {
    return path;
  }
}
