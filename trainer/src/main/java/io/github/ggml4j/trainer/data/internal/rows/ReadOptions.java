package io.github.ggml4j.trainer.data.internal.rows;

import org.jspecify.annotations.Nullable;

/**
 * Options for reading files.
 *
 * @param replaceMalformed whether malformed UTF-8 becomes U+FFFD instead of an error
 * @param maxDocumentBytes maximum size of a document, line or record in bytes
 * @param skipBadRecords whether broken records of CSV and JSON files are skipped and reported
 *     instead of an error
 * @param csvDelimiter delimiter of CSV files; null for the format's default
 * @param csvQuote quote character of CSV files; null for no quoting
 */
public record ReadOptions(
    boolean replaceMalformed,
    int maxDocumentBytes,
    boolean skipBadRecords,
    @Nullable Character csvDelimiter,
    @Nullable Character csvQuote) {

  private static final int DEFAULT_MAX_DOCUMENT_BYTES = 64 << 20;
  private static final Character DEFAULT_QUOTE = '"';

  /** Strict reading with documents of at most 64 MiB. */
  public static final ReadOptions DEFAULT =
      new ReadOptions(false, DEFAULT_MAX_DOCUMENT_BYTES, false, null, DEFAULT_QUOTE);

  /** Whether the delimiter or the quote of CSV files was changed. */
  public boolean isCsvChanged() {
    return csvDelimiter != null || !DEFAULT_QUOTE.equals(csvQuote);
  }

  /** A copy that replaces malformed UTF-8 by U+FFFD. */
  public ReadOptions withReplaceMalformed() {
    return new ReadOptions(true, maxDocumentBytes, skipBadRecords, csvDelimiter, csvQuote);
  }

  /** A copy with another size of the longest document. */
  public ReadOptions withMaxDocumentBytes(int bytes) {
    return new ReadOptions(replaceMalformed, bytes, skipBadRecords, csvDelimiter, csvQuote);
  }

  /** A copy that skips broken records. */
  public ReadOptions withSkipBadRecords() {
    return new ReadOptions(replaceMalformed, maxDocumentBytes, true, csvDelimiter, csvQuote);
  }

  /** A copy with another delimiter and another quote of CSV files. */
  public ReadOptions withCsv(@Nullable Character delimiter, @Nullable Character quote) {
    return new ReadOptions(replaceMalformed, maxDocumentBytes, skipBadRecords, delimiter, quote);
  }

  /** These options where they differ from the defaults, else the given ones. */
  public ReadOptions orElse(ReadOptions other) {
    return new ReadOptions(
        replaceMalformed || other.replaceMalformed,
        maxDocumentBytes == DEFAULT_MAX_DOCUMENT_BYTES ? other.maxDocumentBytes : maxDocumentBytes,
        skipBadRecords || other.skipBadRecords,
        csvDelimiter == null ? other.csvDelimiter : csvDelimiter,
        DEFAULT_QUOTE.equals(csvQuote) ? other.csvQuote : csvQuote);
  }
}
