package io.github.ggml4j.trainer.data.internal.rows;

import java.io.IOException;
import java.io.Reader;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Splits CSV text into records as pandas does. Lines that are empty or contain only blanks are
 * skipped. A quote inside an unquoted field is text. Characters after a closing quote are text. A
 * doubled quote inside a quoted field is one quote. Lines end with LF, CR or CR LF.
 */
final class CsvParser implements AutoCloseable {

  /** A record that cannot be parsed. */
  static final class BrokenRecordException extends Exception {
    private static final long serialVersionUID = 1L;

    /** What to do; may refer to parameters. */
    final String remedy;

    BrokenRecordException(String message, String remedy) {
      super(message);
      this.remedy = remedy;
    }
  }

  private enum State {
    FIELD_START,
    UNQUOTED,
    QUOTED,
    QUOTE_IN_QUOTED
  }

  private static final int END = -1;
  private static final int NO_QUOTE = -2;

  private final Reader in;
  private final char delimiter;
  private final int quote;
  private final int maxChars;
  private final char[] buffer = new char[1 << 14];
  private int at;
  private int filled;

  /**
   * The text of the current record. If it is broken, the lines after its first are parsed again.
   */
  private final StringBuilder record = new StringBuilder();

  private String again = "";
  private int againAt;
  private long line = 1;
  private long recordLine = 1;

  /**
   * A parser.
   *
   * @param quote the quote character; null for no quoting
   * @param maxChars maximum length of a record; a longer one is broken
   */
  CsvParser(Reader in, char delimiter, @Nullable Character quote, int maxChars) {
    this.in = in;
    this.delimiter = delimiter;
    this.quote = quote == null ? NO_QUOTE : quote;
    this.maxChars = maxChars;
  }

  /** The number of the line in which the last record started, from 1. */
  long recordLine() {
    return recordLine;
  }

  /**
   * The fields of the next record.
   *
   * @return null at the end
   * @throws BrokenRecordException if a quote is not closed or the record is too long
   */
  @Nullable List<String> next() throws IOException, BrokenRecordException {
    StringBuilder blanks = new StringBuilder();
    int c;
    do {
      record.setLength(0);
      blanks.setLength(0);
      recordLine = line;
      c = read();
      while (isBlank(c)) {
        blanks.append((char) c);
        c = read();
      }
    } while (endsLine(c));
    if (c == END) {
      return null;
    }
    return fields(blanks, c);
  }

  private List<String> fields(StringBuilder field, int first)
      throws IOException, BrokenRecordException {
    List<String> fields = new ArrayList<>();
    State state = field.isEmpty() ? State.FIELD_START : State.UNQUOTED;
    for (int c = first; ; c = read()) {
      if (record.length() > maxChars) {
        throw new BrokenRecordException(
            "the record is longer than " + maxChars + " characters",
            "Look for a quote that is not closed, or raise {maxDocumentBytes}");
      }
      if (state == State.QUOTED) {
        if (c == END) {
          throw new BrokenRecordException(
              "the quote of field " + (fields.size() + 1) + " is not closed",
              "Close the quote, set another quote character ({csvQuote}), turn quoting off"
                  + " ({withoutCsvQuotes})");
        }
        if (c == quote) {
          state = State.QUOTE_IN_QUOTED;
        } else {
          field.append((char) c);
          line += c == '\n' || (c == '\r' && peek() != '\n') ? 1 : 0;
        }
      } else if (c == END || endsLine(c)) {
        fields.add(field.toString());
        return fields;
      } else if (c == delimiter) {
        fields.add(field.toString());
        field.setLength(0);
        state = State.FIELD_START;
      } else if (c == quote && state == State.FIELD_START) {
        state = State.QUOTED;
      } else {
        field.append((char) c);
        state = c == quote && state == State.QUOTE_IN_QUOTED ? State.QUOTED : State.UNQUOTED;
      }
    }
  }

  private boolean isBlank(int c) {
    return (c == ' ' || c == '\t') && c != delimiter;
  }

  /** Whether a character ends a line. Consumes the LF after a CR. */
  private boolean endsLine(int c) throws IOException {
    if (c == '\r' && peek() == '\n') {
      read();
    }
    if (c == '\n' || c == '\r') {
      line++;
      return true;
    }
    return false;
  }

  /** Skips the first line of a broken record. The next record starts in the line after it. */
  void skipFirstLine() throws IOException {
    int end = 0;
    while (end < record.length() && record.charAt(end) != '\n' && record.charAt(end) != '\r') {
      end++;
    }
    if (end == record.length()) {
      int c;
      do {
        record.setLength(0);
        c = read();
      } while (c != END && !endsLine(c));
      return;
    }
    if (record.indexOf("\r\n") == end) {
      end++;
    }
    String rest = end + 1 < record.length() ? record.substring(end + 1) : "";
    again = rest + again.substring(againAt);
    againAt = 0;
    line = recordLine + 1;
  }

  private int read() throws IOException {
    int c = peek();
    if (c != END) {
      if (againAt < again.length()) {
        againAt++;
      } else {
        at++;
      }
      record.append((char) c);
    }
    return c;
  }

  private int peek() throws IOException {
    if (againAt < again.length()) {
      return again.charAt(againAt);
    }
    if (at == filled) {
      at = 0;
      filled = Math.max(0, in.read(buffer, 0, buffer.length));
      if (filled == 0) {
        return END;
      }
    }
    return buffer[at];
  }

  @Override
  public void close() throws IOException {
    in.close();
  }
}
