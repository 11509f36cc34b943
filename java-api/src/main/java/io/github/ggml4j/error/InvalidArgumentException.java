package io.github.ggml4j.error;

import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * An argument has a value that cannot be used. The message reads {@code topK is -1, expected at
 * least 1}, followed by what to do where that is not obvious.
 *
 * <p>Texts may refer to other parameters as <code>{numBeams}</code>.
 */
public final class InvalidArgumentException extends IllegalArgumentException
    implements NamesParameters {
  private static final long serialVersionUID = 1;

  private final String parameter;
  private final String value;
  private final String expected;
  private final @Nullable String remedy;

  /**
   * An exception without a remedy.
   *
   * @param parameter name of the parameter, as in Java: {@code topK}
   * @param value the value it has
   * @param expected what it may be: {@code at least 1}
   */
  public InvalidArgumentException(String parameter, Object value, String expected) {
    this(parameter, value, expected, null);
  }

  /**
   * An exception.
   *
   * @param parameter name of the parameter, as in Java: {@code topK}
   * @param value the value it has
   * @param expected what it may be: {@code at least 1}
   * @param remedy what to do, as whole sentences; null if {@code expected} says it
   */
  public InvalidArgumentException(
      String parameter, Object value, String expected, @Nullable String remedy) {
    super(text(parameter, String.valueOf(value), expected, remedy, name -> name));
    this.parameter = parameter;
    this.value = String.valueOf(value);
    this.expected = expected;
    this.remedy = remedy;
  }

  /** Name of the parameter, as in Java. */
  public String parameter() {
    return parameter;
  }

  /** The value, as text. */
  public String value() {
    return value;
  }

  /** What the value may be. */
  public String expected() {
    return expected;
  }

  /** What to do; null if {@link #expected} says it. */
  public @Nullable String remedy() {
    return remedy;
  }

  @Override
  public String message(UnaryOperator<String> names) {
    return text(parameter, value, expected, remedy, names);
  }

  private static String text(
      String parameter,
      String value,
      String expected,
      @Nullable String remedy,
      UnaryOperator<String> names) {
    var text =
        names.apply(parameter)
            + " is "
            + value
            + ", expected "
            + NamesParameters.replaceReferences(expected, names);
    return remedy == null ? text : text + ". " + NamesParameters.replaceReferences(remedy, names);
  }
}
