package io.github.ggml4j.error;

import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * An exception whose message names parameters of the library. Its texts refer to them as <code>
 * {numBeams}</code>. {@code getMessage} shows the name as it is; {@link #message} lets a caller
 * replace it, as the command line does with its options.
 */
public interface NamesParameters {

  /**
   * The message with other names of parameters.
   *
   * @param names gives the name to show for a parameter
   */
  String message(UnaryOperator<String> names);

  /**
   * Replaces the references in a text.
   *
   * @param text may contain references such as <code>{numBeams}</code>
   * @param names gives the name to show for a parameter
   */
  static String replaceReferences(String text, UnaryOperator<String> names) {
    return Pattern.compile("\\{([\\w.]+)}")
        .matcher(text)
        .replaceAll(match -> Matcher.quoteReplacement(names.apply(match.group(1))));
  }
}
