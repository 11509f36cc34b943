package io.github.ggml4j.cli;

import java.util.List;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Token ids and the bias of the last one, given as {@code 12,345=-2.5}. */
record SequenceBias(List<Integer> ids, float bias) implements ITypeConverter<SequenceBias> {
  /** Used by picocli to create the converter. */
  SequenceBias() {
    this(List.of(), 0);
  }

  @Override
  public SequenceBias convert(String text) {
    int at = text.lastIndexOf('=');
    try {
      if (at > 0) {
        return new SequenceBias(
            new TokenIds().convert(text.substring(0, at)).ids(),
            Float.parseFloat(text.substring(at + 1).strip()));
      }
    } catch (NumberFormatException e) {
      throw new TypeConversionException(wrong(text));
    }
    throw new TypeConversionException(wrong(text));
  }

  private static String wrong(String text) {
    return "'" + text + "' is not a list of token ids and a bias, such as 12,345=-2.5";
  }
}
