package io.github.ggml4j.internal;

import io.github.ggml4j.error.InvalidArgumentException;

/**
 * Checks the range of an argument and returns it. Every failure is an {@link
 * InvalidArgumentException} with the same wording.
 */
public final class Check {
  private Check() {}

  /** {@code value >= least}. */
  public static int atLeast(String parameter, int value, int least) {
    atLeast(parameter, (long) value, least);
    return value;
  }

  /** {@code value >= least}. */
  public static long atLeast(String parameter, long value, long least) {
    if (value < least) {
      throw new InvalidArgumentException(parameter, value, "at least " + least);
    }
    return value;
  }

  /** {@code least <= value <= most}. */
  public static int between(String parameter, int value, int least, int most) {
    between(parameter, (long) value, least, most);
    return value;
  }

  /** {@code least <= value <= most}. */
  public static long between(String parameter, long value, long least, long most) {
    if (value < least || value > most) {
      throw new InvalidArgumentException(parameter, value, least + " to " + most);
    }
    return value;
  }

  /** {@code least <= value <= most}. */
  public static double between(String parameter, double value, double least, double most) {
    if (!(value >= least && value <= most)) {
      throw new InvalidArgumentException(parameter, value, least + " to " + most);
    }
    return value;
  }

  /** {@code value > 0} and finite. */
  public static float positive(String parameter, float value) {
    if (!(value > 0) || Float.isInfinite(value)) {
      throw new InvalidArgumentException(parameter, value, "a finite number above 0");
    }
    return value;
  }

  /** {@code value > 0} and finite. */
  public static double positive(String parameter, double value) {
    if (!(value > 0) || Double.isInfinite(value)) {
      throw new InvalidArgumentException(parameter, value, "a finite number above 0");
    }
    return value;
  }

  /** {@code value >= 0} and finite. */
  public static double notNegative(String parameter, double value) {
    if (!(value >= 0) || Double.isInfinite(value)) {
      throw new InvalidArgumentException(parameter, value, "a finite number of at least 0");
    }
    return value;
  }

  /** {@code 0 <= value <= 1}. */
  public static float probability(String parameter, float value) {
    if (!(value >= 0 && value <= 1)) {
      throw new InvalidArgumentException(parameter, value, "0 to 1");
    }
    return value;
  }

  /** {@code 0 <= value <= 1}. */
  public static double probability(String parameter, double value) {
    if (!(value >= 0 && value <= 1)) {
      throw new InvalidArgumentException(parameter, value, "0 to 1");
    }
    return value;
  }

  /** {@code 0 < value <= 1}. */
  public static float positiveProbability(String parameter, float value) {
    if (!(value > 0 && value <= 1)) {
      throw new InvalidArgumentException(parameter, value, "above 0, up to 1");
    }
    return value;
  }

  /** {@code 0 <= value < 1}. */
  public static double fraction(String parameter, double value) {
    if (!(value >= 0 && value < 1)) {
      throw new InvalidArgumentException(parameter, value, "at least 0 and below 1");
    }
    return value;
  }

  /** Neither NaN nor infinite. */
  public static float finite(String parameter, float value) {
    if (!Float.isFinite(value)) {
      throw new InvalidArgumentException(parameter, value, "a finite number");
    }
    return value;
  }

  /** {@code actual == expected}, the lengths of an array or list. */
  public static void length(String parameter, int actual, int expected) {
    if (actual != expected) {
      throw new InvalidArgumentException(parameter + ".length", actual, String.valueOf(expected));
    }
  }
}
