package io.github.ggml4j.format.gguf;

import io.github.ggml4j.format.ModelFormatException;
import io.github.ggml4j.internal.Names;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One metadata value. Arrays stay in the mapped file and are decoded when asked for, so that an
 * array costs nothing before it is used; they can be read until the file is closed.
 */
public final class GgufValue {
  private final String source;
  private final String key;
  private final GgufType type;
  private final @Nullable Object scalar;
  private final long count;
  private final MemorySegment elements;

  private GgufValue(
      String source,
      String key,
      GgufType type,
      @Nullable Object scalar,
      long count,
      MemorySegment elements) {
    this.source = source;
    this.key = key;
    this.type = type;
    this.scalar = scalar;
    this.count = count;
    this.elements = elements;
  }

  static GgufValue scalar(String source, String key, GgufType type, Object value) {
    return new GgufValue(source, key, type, value, 1, MemorySegment.NULL);
  }

  static GgufValue array(
      String source, String key, GgufType type, long count, MemorySegment elements) {
    return new GgufValue(source, key, type, null, count, elements);
  }

  /** The value's type, or the type of the elements of an array. */
  public GgufType type() {
    return type;
  }

  /** Whether this is an array. */
  public boolean isArray() {
    return scalar == null;
  }

  /** Number of elements; 1 for a single value. */
  public long count() {
    return count;
  }

  /**
   * The text.
   *
   * @throws ModelFormatException when the value is no string
   */
  public String asString() {
    if (scalar instanceof String text) {
      return text;
    }
    throw wrongType("a string");
  }

  /**
   * The whole number, of whatever integer type.
   *
   * @throws ModelFormatException when the value is no integer, or an unsigned one of 2^63 or more
   */
  public long asLong() {
    if (scalar instanceof Long number) {
      if (number < 0 && type == GgufType.UINT64) {
        throw bad("is " + Long.toUnsignedString(number), "a number below 2^63");
      }
      return number;
    }
    throw wrongType("an integer");
  }

  /**
   * The whole number, within bounds.
   *
   * @throws ModelFormatException when the value is no integer or out of bounds
   */
  public int asInt(int least, int most) {
    long number = asLong();
    if (number < least || number > most) {
      throw bad("is " + number, "a number from " + least + " to " + most);
    }
    return (int) number;
  }

  /**
   * The number, integers included.
   *
   * @throws ModelFormatException when the value is no number
   */
  public double asDouble() {
    if (scalar instanceof Double number) {
      return number;
    }
    if (scalar instanceof Long) {
      return asLong();
    }
    throw wrongType("a number");
  }

  /**
   * The truth value.
   *
   * @throws ModelFormatException when the value is no bool
   */
  public boolean asBoolean() {
    if (scalar instanceof Boolean flag) {
      return flag;
    }
    throw wrongType("a bool");
  }

  /**
   * The strings of an array, decoded anew at each call.
   *
   * @throws ModelFormatException when the value is no array of strings, or one of them is not UTF-8
   */
  public List<String> asStrings() {
    if (!isArray() || type != GgufType.STRING) {
      throw wrongType("an array of strings");
    }
    checkCount();
    GgufCursor cursor = new GgufCursor(elements, source);
    List<String> strings = new ArrayList<>((int) count);
    for (long i = 0; i < count; i++) {
      strings.add(
          cursor.readString(
              Integer.MAX_VALUE, () -> "string " + strings.size() + " of " + Names.quote(key)));
    }
    return Collections.unmodifiableList(strings);
  }

  /**
   * The whole numbers of an array, decoded anew at each call.
   *
   * @throws ModelFormatException when the value is no array of integers or one does not fit an int
   */
  public int[] asInts() {
    if (!isArray() || !type.isInteger()) {
      throw wrongType("an array of integers");
    }
    checkCount();
    GgufCursor cursor = new GgufCursor(elements, source);
    int[] numbers = new int[(int) count];
    for (int i = 0; i < numbers.length; i++) {
      long number = (Long) cursor.readScalar(type, () -> Names.quote(key));
      if (number != (int) number) {
        throw bad("holds " + number, "numbers of 32 bits");
      }
      numbers[i] = (int) number;
    }
    return numbers;
  }

  /**
   * The numbers of an array of FLOAT32 or FLOAT64, decoded anew at each call.
   *
   * @throws ModelFormatException when the value is no such array
   */
  public double[] asDoubles() {
    if (!isArray() || (type != GgufType.FLOAT32 && type != GgufType.FLOAT64)) {
      throw wrongType("an array of floating-point numbers");
    }
    checkCount();
    GgufCursor cursor = new GgufCursor(elements, source);
    double[] numbers = new double[(int) count];
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] = (Double) cursor.readScalar(type, () -> Names.quote(key));
    }
    return numbers;
  }

  /** The elements' bytes as in the file; empty for a single value. */
  MemorySegment elements() {
    return elements;
  }

  /** The bits of an integer, of whatever integer type. */
  long bits() {
    return scalar instanceof Long number ? number : 0;
  }

  /** The value, or an array's type and length. */
  @Override
  public String toString() {
    return isArray() ? type + "[" + count + "]" : String.valueOf(scalar);
  }

  private void checkCount() {
    if (count > Integer.MAX_VALUE - 8) {
      throw bad("has " + count + " elements", "fewer than 2^31");
    }
    if (!elements.scope().isAlive()) {
      throw new IllegalStateException("Already closed: " + source);
    }
  }

  private ModelFormatException wrongType(String expected) {
    return bad("has type " + (isArray() ? "array of " + type : type), expected);
  }

  private ModelFormatException bad(String found, String expected) {
    return ModelFormatException.of(
        source,
        "metadata " + Names.quote(key) + " " + found,
        expected,
        "Convert the model again with a current llama.cpp or with this library.");
  }
}
