package io.github.ggml4j.trainer.error;

import io.github.ggml4j.error.NamesParameters;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Training data that cannot be read. The message names the file and the line or row, what is wrong
 * and what to do.
 */
public final class DatasetException extends RuntimeException implements NamesParameters {

  private static final long serialVersionUID = 1L;

  private final String problem;
  private final @Nullable String remedy;

  /**
   * An exception with a remedy.
   *
   * @param problem what is wrong and where, without a period at the end
   * @param remedy what to do, as whole sentences; may refer to parameters as <code>{csvQuote}
   *     </code>. Null if there is none
   * @param cause the cause; null if there is none
   */
  public DatasetException(String problem, @Nullable String remedy, @Nullable Throwable cause) {
    super(text(problem, remedy, name -> name), cause);
    this.problem = problem;
    this.remedy = remedy;
  }

  /**
   * An exception with a cause.
   *
   * @param message what is wrong, where, and what to do
   * @param cause the cause; null if there is none
   */
  public DatasetException(String message, @Nullable Throwable cause) {
    this(message, null, cause);
  }

  /**
   * An exception without a cause.
   *
   * @param message what is wrong, where, and what to do
   */
  public DatasetException(String message) {
    this(message, null, null);
  }

  @Override
  public String message(UnaryOperator<String> names) {
    return text(problem, remedy, names);
  }

  private static String text(String problem, @Nullable String remedy, UnaryOperator<String> names) {
    return remedy == null
        ? problem
        : problem + ". " + NamesParameters.replaceReferences(remedy, names);
  }
}
