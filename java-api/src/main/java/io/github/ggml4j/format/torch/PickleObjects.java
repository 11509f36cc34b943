package io.github.ggml4j.format.torch;

import io.github.ggml4j.format.ModelFormatException;
import io.github.ggml4j.internal.Names;
import io.github.ggml4j.tensor.DType;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * What a pickle may build: tensors, storages, dictionaries and tuples, by the few globals of {@link
 * PickleGlobal}. Nothing else of Python is here, so nothing of the file's choice can run.
 */
final class PickleObjects {
  private static final int MAX_DIMENSIONS = 8;

  private final PickleInput in;
  private final String source;

  /** Is told how many items an object is made of, which are limited. */
  private final IntConsumer spent;

  private final List<PickleStorage> storages = new ArrayList<>();

  PickleObjects(PickleInput in, String source, IntConsumer spent) {
    this.in = in;
    this.source = source;
    this.spent = spent;
  }

  /** All storages that were referred to. */
  List<PickleStorage> storages() {
    return storages;
  }

  /** The object of a module; one that is not known is an error with its name. */
  PickleGlobal global(String module, String name) {
    PickleGlobal global = PickleGlobal.find(module, name);
    if (global == null) {
      throw refused(Names.quote(module + "." + name));
    }
    return global;
  }

  /** The error of a pickle that wants more than weights. */
  ModelFormatException refused(String what) {
    return ModelFormatException.of(
        source,
        "its pickle asks for " + what,
        "only tensors, storages, OrderedDict and plain values",
        "Python would run code of the file's choice to load it. Save the weights alone"
            + " (torch.save(model.state_dict(), file)), or get the model as safetensors.");
  }

  /** What calling a global with arguments gives. */
  @Nullable Object call(PickleGlobal global, List<@Nullable Object> arguments) {
    return switch (global) {
      case ORDERED_DICT -> orderedDict(arguments);
      case SIZE -> new PickleTuple(items(argument(global, arguments, 0)));
      case REBUILD_TENSOR, REBUILD_TENSOR_V2 ->
          tensor(
              argument(global, arguments, 0),
              argument(global, arguments, 1),
              argument(global, arguments, 2),
              argument(global, arguments, 3));
      case REBUILD_PARAMETER -> {
        if (argument(global, arguments, 0) instanceof PickleTensor tensor) {
          yield tensor;
        }
        throw in.bad("has a parameter without a tensor", "a tensor");
      }
      default -> throw refused("a call of " + global);
    };
  }

  private @Nullable Object argument(
      PickleGlobal global, List<@Nullable Object> arguments, int index) {
    if (index >= arguments.size()) {
      throw in.bad("calls " + global + " with " + arguments.size() + " arguments", "more of them");
    }
    return arguments.get(index);
  }

  private Map<Object, @Nullable Object> orderedDict(List<@Nullable Object> arguments) {
    Map<Object, @Nullable Object> map = new LinkedHashMap<>();
    if (!arguments.isEmpty()) { // as Python 2 wrote it: a list of pairs
      List<@Nullable Object> pairs = items(arguments.getFirst());
      spent.accept(pairs.size());
      for (Object pair : pairs) {
        List<@Nullable Object> keyAndValue = items(pair);
        if (keyAndValue.size() != 2) {
          throw in.bad("makes an OrderedDict of something that is no pair", "pairs");
        }
        putKey(map, keyAndValue.getFirst(), keyAndValue.getLast());
      }
    }
    return map;
  }

  @SuppressWarnings("unchecked") // every list here is made here
  private List<@Nullable Object> items(@Nullable Object value) {
    return switch (value) {
      case PickleTuple tuple -> tuple.items();
      case List<?> list -> (List<@Nullable Object>) list;
      case null, default -> throw in.bad("has " + kind(value), "a tuple or a list in its place");
    };
  }

  /** The storage that a persistent id stands for. */
  PickleStorage storage(@Nullable Object id) {
    List<@Nullable Object> parts = items(id);
    if (!(parts.size() >= 5
        && "storage".equals(parts.getFirst())
        && parts.get(1) instanceof PickleGlobal type
        && parts.get(2) instanceof String key
        && parts.get(4) instanceof Long elements
        && elements >= 0)) {
      throw in.bad(
          "refers to a storage in an unknown way", "('storage', class, key, location, size)");
    }
    if (parts.size() > 5 && parts.get(5) != null) {
      throw ModelFormatException.of(
          source,
          "has a storage that is a part of another, as PyTorch before 0.4 wrote",
          "storages of their own",
          "Load the file with PyTorch and save it again.");
    }
    DType dtype = type.storage();
    if (dtype == null) {
      throw in.bad("has a storage of class " + type, "a storage class such as torch.FloatStorage");
    }
    PickleStorage storage = new PickleStorage(key, dtype, elements);
    storages.add(storage);
    return storage;
  }

  private PickleTensor tensor(
      @Nullable Object storage,
      @Nullable Object offset,
      @Nullable Object shape,
      @Nullable Object stride) {
    if (!(storage instanceof PickleStorage from) || !(offset instanceof Long first)) {
      throw in.bad("builds a tensor from " + kind(storage), "a storage and an offset");
    }
    long[] sizes = dimensions(shape);
    long[] strides = dimensions(stride);
    if (first < 0 || sizes.length != strides.length) {
      throw in.bad(
          "builds a tensor with " + sizes.length + " sizes and " + strides.length + " strides",
          "as many of both and an offset of 0 or more");
    }
    return new PickleTensor(from, first, sizes, strides);
  }

  private long[] dimensions(@Nullable Object value) {
    List<@Nullable Object> items = items(value);
    if (items.size() > MAX_DIMENSIONS) {
      throw in.bad("has a tensor of " + items.size() + " dimensions", "at most " + MAX_DIMENSIONS);
    }
    long[] dimensions = new long[items.size()];
    for (int i = 0; i < dimensions.length; i++) {
      if (!(items.get(i) instanceof Long number) || number < 0) {
        throw in.bad("has a tensor with a size or stride that is no number", "0 or more");
      }
      dimensions[i] = number;
    }
    return dimensions;
  }

  /** What a value is, for messages. */
  static String kind(@Nullable Object value) {
    return switch (value) {
      case null -> "None";
      case Boolean ignored -> "a truth value";
      case Number ignored -> "a number";
      case String ignored -> "a text";
      case PickleTuple ignored -> "a tuple";
      case List<?> ignored -> "a list";
      case Map<?, ?> ignored -> "a dictionary";
      case PickleTensor ignored -> "a tensor";
      case PickleStorage ignored -> "a storage";
      default -> value.toString();
    };
  }

  /** Sets a key, which must be text or a whole number. */
  void putKey(Map<Object, @Nullable Object> map, @Nullable Object key, @Nullable Object value) {
    if (!(key instanceof String || key instanceof Long)) {
      throw in.bad("has a dictionary with a key that is " + kind(key), "text or a whole number");
    }
    map.put(key, value);
  }
}
