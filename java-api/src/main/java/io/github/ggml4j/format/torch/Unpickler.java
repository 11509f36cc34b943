package io.github.ggml4j.format.torch;

import io.github.ggml4j.format.ModelFormatException;
import io.github.ggml4j.format.internal.Names;
import io.github.ggml4j.tensor.DType;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A pickle machine that can build tensors, storages, dictionaries, lists, tuples and plain values,
 * and nothing else: a global outside {@link PickleGlobal} is an error that names it, and no class
 * is ever looked up. Source of the instructions: {@code pickletools.py} of CPython, protocols 2 to
 * 5.
 *
 * <p>Python values become null, Boolean, Long or BigInteger, Double, String, {@link PickleTuple},
 * List, Map, {@link PickleGlobal}, {@link PickleStorage} and {@link PickleTensor}. The number of
 * instructions is limited and none makes more than one small object, so memory is limited too.
 */
final class Unpickler {
  /** A state dict of 4,096 layers has a tenth of it. */
  private static final int MOST_INSTRUCTIONS = 1 << 21;

  private static final int MOST_STACKED = 1 << 18;
  private static final int HIGHEST_PROTOCOL = 5;
  private static final int MOST_DIMENSIONS = 8;

  private final PickleInput in;
  private final String source;
  private int left = MOST_INSTRUCTIONS;
  private final List<@Nullable Object> stack = new ArrayList<>();

  /** How high the stack stood at each mark. */
  private final List<Integer> marks = new ArrayList<>();

  private final Map<Long, @Nullable Object> memo = new HashMap<>();

  private final List<PickleStorage> storages = new ArrayList<>();

  private Unpickler(PickleInput in, String source) {
    this.in = in;
    this.source = source;
  }

  /** Reads the pickle that the input stands at; it stands behind it afterwards. */
  static Unpickled load(PickleInput in, String source) {
    Unpickler machine = new Unpickler(in, source);
    return new Unpickled(machine.run(), machine.storages);
  }

  private @Nullable Object run() {
    while (true) {
      spend(1);
      int instruction = in.readByte();
      if (instruction == '.') {
        Object result = pop();
        if (!stack.isEmpty() || !marks.isEmpty()) {
          throw in.bad("leaves values on the stack of its pickle", "one value");
        }
        return result;
      }
      execute(instruction);
    }
  }

  /** Counts instructions, and the items of what one of them makes. */
  private void spend(int count) {
    left -= count;
    if (left < 0) {
      throw in.bad("has a pickle of more than " + MOST_INSTRUCTIONS + " instructions", "fewer");
    }
  }

  private void execute(int instruction) {
    switch (instruction) {
      case 0x80 -> protocol();
      case 0x95 -> in.readLong(); // the length of a frame, which says nothing new
      case '(' -> mark();
      case '0' -> pop();
      case '1' -> popMark();
      case '2' -> push(peek());
      case 'N' -> push(null);
      case 0x88 -> push(true);
      case 0x89 -> push(false);
      case 'J' -> push((long) in.readInt());
      case 'K' -> push((long) in.readByte());
      case 'M' -> push((long) in.readShort());
      case 0x8a -> push(in.readInteger(in.readByte()));
      case 0x8b -> push(in.readInteger(in.readInt()));
      case 'G' -> push(in.readDouble());
      case 'X' -> push(in.readText(Integer.toUnsignedLong(in.readInt())));
      case 0x8c, 'U' -> push(in.readText(in.readByte()));
      case 0x8d -> push(in.readText(in.readLong()));
      case 'T' -> push(in.readText(in.readInt()));
      case ')' -> push(new PickleTuple(List.of()));
      case 't' -> push(new PickleTuple(Collections.unmodifiableList(popMark())));
      case 0x85 -> tuple(1);
      case 0x86 -> tuple(2);
      case 0x87 -> tuple(3);
      case ']' -> push(new ArrayList<>(0));
      case 'l' -> push(popMark());
      case 'a' -> append(popSome(1));
      case 'e' -> append(popMark());
      case '}' -> push(new LinkedHashMap<>());
      case 'd' -> dictionary();
      case 's' -> putAll(popSome(2));
      case 'u' -> putAll(popMark());
      case 'q' -> memo.put((long) in.readByte(), peek());
      case 'r' -> memo.put(Integer.toUnsignedLong(in.readInt()), peek());
      case 0x94 -> memo.put((long) memo.size(), peek());
      case 'h' -> recall(in.readByte());
      case 'j' -> recall(Integer.toUnsignedLong(in.readInt()));
      case 'c' -> push(global(in.readLine(), in.readLine()));
      case 0x93 -> stackGlobal();
      case 'Q' -> push(storage(pop()));
      case 'R' -> reduce();
      case 'b' -> build();
      case 0x81, 0x92, 'o' -> throw refused("an object of a class");
      case 'i' -> throw refused(Names.quote(in.readLine() + "." + in.readLine()));
      case 0x82, 0x83, 0x84 -> throw refused("an object of a registered extension");
      default ->
          throw in.bad(
              String.format(
                  "has the pickle instruction 0x%02x at byte %d", instruction, in.position() - 1),
              "one that torch.save writes (protocol 2 or later)");
    }
  }

  private void protocol() {
    int protocol = in.readByte();
    if (protocol > HIGHEST_PROTOCOL) {
      throw in.bad("has a pickle of protocol " + protocol, "2 to " + HIGHEST_PROTOCOL);
    }
  }

  // --- stack

  private void push(@Nullable Object value) {
    if (stack.size() == MOST_STACKED) {
      throw in.bad("puts more than " + MOST_STACKED + " values on the stack", "fewer");
    }
    stack.add(value);
  }

  private int floor() {
    return marks.isEmpty() ? 0 : marks.getLast();
  }

  private @Nullable Object peek() {
    if (stack.size() <= floor()) {
      throw in.bad("takes a value from an empty stack in its pickle", "one that was put there");
    }
    return stack.getLast();
  }

  private @Nullable Object pop() {
    peek();
    return stack.removeLast();
  }

  private void mark() {
    if (marks.size() == MOST_STACKED) {
      throw in.bad("puts more than " + MOST_STACKED + " marks on the stack", "fewer");
    }
    marks.add(stack.size());
  }

  /** The values above the last mark, which goes too. */
  private List<@Nullable Object> popMark() {
    if (marks.isEmpty()) {
      throw in.bad("takes values up to a mark that is not there", "a mark before them");
    }
    return popFrom(marks.removeLast());
  }

  private List<@Nullable Object> popSome(int count) {
    if (stack.size() - floor() < count) {
      throw in.bad("takes " + count + " values from a smaller stack", "that many on it");
    }
    return popFrom(stack.size() - count);
  }

  private List<@Nullable Object> popFrom(int start) {
    List<@Nullable Object> top = stack.subList(start, stack.size());
    List<@Nullable Object> values = new ArrayList<>(top);
    top.clear();
    return values;
  }

  private void recall(long index) {
    if (!memo.containsKey(index)) {
      throw in.bad("recalls value " + index + " in its pickle", "one that was kept before");
    }
    push(memo.get(index));
  }

  // --- containers

  private void tuple(int size) {
    push(new PickleTuple(Collections.unmodifiableList(popSome(size))));
  }

  @SuppressWarnings("unchecked") // every list here is made here
  private void append(List<@Nullable Object> values) {
    if (!(peek() instanceof List<?> list)) {
      throw in.bad("appends to something that is no list", "a list");
    }
    ((List<@Nullable Object>) list).addAll(values);
  }

  private void dictionary() {
    List<@Nullable Object> pairs = popMark();
    push(new LinkedHashMap<>());
    putAll(pairs);
  }

  @SuppressWarnings("unchecked") // every map here is made here
  private void putAll(List<@Nullable Object> pairs) {
    if (!(peek() instanceof Map<?, ?> map)) {
      throw in.bad("sets a key of something that is no dictionary", "a dictionary");
    }
    if (pairs.size() % 2 != 0) {
      throw in.bad("sets a key without a value", "keys and values in pairs");
    }
    for (int i = 0; i < pairs.size(); i += 2) {
      putKey((Map<Object, @Nullable Object>) map, pairs.get(i), pairs.get(i + 1));
    }
  }

  private void putKey(
      Map<Object, @Nullable Object> map, @Nullable Object key, @Nullable Object value) {
    if (!(key instanceof String || key instanceof Long)) {
      throw in.bad("has a dictionary with a key that is " + kind(key), "text or a whole number");
    }
    map.put(key, value);
  }

  // --- objects

  private PickleGlobal global(String module, String name) {
    PickleGlobal global = PickleGlobal.find(module, name);
    if (global == null) {
      throw refused(Names.quote(module + "." + name));
    }
    return global;
  }

  private void stackGlobal() {
    Object name = pop();
    Object module = pop();
    if (!(name instanceof String nameText && module instanceof String moduleText)) {
      throw in.bad("names a global by something that is no text", "module and name");
    }
    push(global(moduleText, nameText));
  }

  private ModelFormatException refused(String what) {
    return ModelFormatException.of(
        source,
        "its pickle asks for " + what,
        "only tensors, storages, OrderedDict and plain values",
        "Python would run code of the file's choice to load it. Save the weights alone"
            + " (torch.save(model.state_dict(), file)), or get the model as safetensors.");
  }

  private void reduce() {
    Object arguments = pop();
    Object callable = pop();
    if (!(callable instanceof PickleGlobal global) || !(arguments instanceof PickleTuple tuple)) {
      throw in.bad("calls " + kind(callable) + " with " + kind(arguments), "a call of a global");
    }
    push(call(global, tuple.items()));
  }

  private @Nullable Object call(PickleGlobal global, List<@Nullable Object> arguments) {
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
      spend(pairs.size());
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

  private PickleStorage storage(@Nullable Object id) {
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
    if (items.size() > MOST_DIMENSIONS) {
      throw in.bad("has a tensor of " + items.size() + " dimensions", "at most " + MOST_DIMENSIONS);
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

  /** State dicts carry their modules' versions as an attribute, which says nothing of weights. */
  private void build() {
    Object state = pop();
    if (!(peek() instanceof Map<?, ?>) || !(state instanceof Map<?, ?>)) {
      throw refused("the state of " + kind(peek()));
    }
  }

  private static String kind(@Nullable Object value) {
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
}
