package io.github.ggml4j.format;

/**
 * A model file that cannot be used: damaged, hostile, or of a kind that is not supported.
 *
 * <p>The message names the file, what was found, what was expected and what to do.
 */
public class ModelFormatException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** An error whose message already names file, value, expectation and remedy. */
  public ModelFormatException(String message) {
    super(message);
  }

  /** An error with its cause. */
  public ModelFormatException(String message, Throwable cause) {
    super(message, cause);
  }

  /**
   * An error in a file.
   *
   * @param file path or name of the file
   * @param found what was found, with the value
   * @param expected what was expected
   * @param remedy what the user can do
   */
  public static ModelFormatException of(String file, String found, String expected, String remedy) {
    return new ModelFormatException(file + ": " + found + "; expected " + expected + ". " + remedy);
  }
}
