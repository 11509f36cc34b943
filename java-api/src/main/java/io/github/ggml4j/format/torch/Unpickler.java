package io.github.ggml4j.format.torch;

import io.github.ggml4j.internal.Names;
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
  private static final int MAX_INSTRUCTIONS = 1 << 21;

  private static final int MAX_STACKED = 1 << 18;
  private static final int HIGHEST_PROTOCOL = 5;

  private final PickleInput in;
  private int left = MAX_INSTRUCTIONS;
  private final List<@Nullable Object> stack = new ArrayList<>();

  /** How high the stack stood at each mark. */
  private final List<Integer> marks = new ArrayList<>();

  private final Map<Long, @Nullable Object> memo = new HashMap<>();

  private final PickleObjects objects;

  private Unpickler(PickleInput in, String source) {
    this.in = in;
    this.objects = new PickleObjects(in, source, this::spend);
  }

  /** Reads the pickle that the input stands at; it stands behind it afterwards. */
  static Unpickled load(PickleInput in, String source) {
    Unpickler machine = new Unpickler(in, source);
    return new Unpickled(machine.run(), machine.objects.storages());
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
      throw in.bad("has a pickle of more than " + MAX_INSTRUCTIONS + " instructions", "fewer");
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
      case 'c' -> push(objects.global(in.readLine(), in.readLine()));
      case 0x93 -> stackGlobal();
      case 'Q' -> push(objects.storage(pop()));
      case 'R' -> reduce();
      case 'b' -> build();
      case 0x81, 0x92, 'o' -> throw objects.refused("an object of a class");
      case 'i' -> throw objects.refused(Names.quote(in.readLine() + "." + in.readLine()));
      case 0x82, 0x83, 0x84 -> throw objects.refused("an object of a registered extension");
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
    if (stack.size() == MAX_STACKED) {
      throw in.bad("puts more than " + MAX_STACKED + " values on the stack", "fewer");
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
    if (marks.size() == MAX_STACKED) {
      throw in.bad("puts more than " + MAX_STACKED + " marks on the stack", "fewer");
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
      objects.putKey((Map<Object, @Nullable Object>) map, pairs.get(i), pairs.get(i + 1));
    }
  }

  // --- objects

  private void stackGlobal() {
    Object name = pop();
    Object module = pop();
    if (!(name instanceof String nameText && module instanceof String moduleText)) {
      throw in.bad("names a global by something that is no text", "module and name");
    }
    push(objects.global(moduleText, nameText));
  }

  private void reduce() {
    Object arguments = pop();
    Object callable = pop();
    if (!(callable instanceof PickleGlobal global) || !(arguments instanceof PickleTuple tuple)) {
      throw in.bad(
          "calls " + PickleObjects.kind(callable) + " with " + PickleObjects.kind(arguments),
          "a call of a global");
    }
    push(objects.call(global, tuple.items()));
  }

  /** State dicts carry their modules' versions as an attribute, which says nothing of weights. */
  private void build() {
    Object state = pop();
    if (!(peek() instanceof Map<?, ?>) || !(state instanceof Map<?, ?>)) {
      throw objects.refused("the state of " + PickleObjects.kind(peek()));
    }
  }
}
