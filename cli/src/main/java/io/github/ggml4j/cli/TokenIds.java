package io.github.ggml4j.cli;

import java.util.Arrays;
import java.util.List;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Token ids, given as numbers separated by commas. */
record TokenIds(List<Integer> ids) implements ITypeConverter<TokenIds> {
  /** Used by picocli to create the converter. */
  TokenIds() {
    this(List.of());
  }

  @Override
  public TokenIds convert(String text) {
    try {
      return new TokenIds(
          Arrays.stream(text.split(",", -1)).map(id -> Integer.valueOf(id.strip())).toList());
    } catch (NumberFormatException e) {
      throw new TypeConversionException("'" + text + "' is not a list of token ids such as 12,345");
    }
  }
}
