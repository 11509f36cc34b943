package io.github.ggml4j.trainer.data.internal.rows;

import io.github.ggml4j.trainer.error.DatasetException;
import java.io.IOException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;

/**
 * Checks the page headers of a column chunk before a decoder allocates memory of the sizes in them.
 * Chunks are read sequentially.
 *
 * <p>A page header is a Thrift struct in compact encoding: <a
 * href="https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift">
 * PageHeader</a>.
 */
final class PageGuard {

  /** Reads more bytes of the file, for a header that extends past the bytes that were read. */
  interface More {
    ByteBuffer read(long offset, int length) throws IOException;
  }

  private static final int MAX_HEADER_BYTES = 1 << 20;
  private static final int MORE = 16 << 10;

  private static final int DATA_PAGE = 0;
  private static final int DICTIONARY_PAGE = 2;

  private final String name;
  private final String column;
  private final long end;
  private final long values;
  private final long maxPageBytes;
  private long nextHeader;

  /**
   * @param start offset of the chunk in the file
   * @param length its length in bytes
   * @param values number of values in it
   * @param maxPageBytes the largest page that may be decoded
   */
  PageGuard(String name, String column, long start, long length, long values, long maxPageBytes) {
    this.name = name;
    this.column = column;
    this.nextHeader = start;
    this.end = start + length;
    this.values = values;
    this.maxPageBytes = maxPageBytes;
  }

  /** Checks the headers of all pages that start within these bytes of the file. */
  synchronized void check(long offset, ByteBuffer bytes, More more) throws IOException {
    long stop = Math.min(end, offset + bytes.remaining());
    if (offset >= end) {
      return;
    }
    if (offset > nextHeader) {
      // hardwood used a page index and skipped some pages.
      nextHeader = offset;
    }
    while (nextHeader >= offset && nextHeader < stop) {
      nextHeader =
          checkPage(bytes.slice((int) (nextHeader - offset), (int) (stop - nextHeader)), more);
    }
  }

  /** Checks a page and returns the offset of the next one. */
  private long checkPage(ByteBuffer bytes, More more) throws IOException {
    Header header;
    try {
      header = new Header(bytes);
    } catch (BufferUnderflowException cut) {
      header = longerHeader(more);
    }
    long next = nextHeader + header.length + header.compressed;
    if (header.compressed < 0 || header.uncompressed < 0 || next > end) {
      throw damaged(
          "a page of " + header.compressed + " bytes, " + header.uncompressed + " uncompressed");
    }
    if (header.uncompressed > maxPageBytes || header.values > maxPageBytes / Long.BYTES) {
      throw new DatasetException(
          String.format(
              "%s, column \"%s\": a page of %,d bytes with %,d values at byte %,d is too large for"
                  + " this heap, which allows %,d bytes. Increase the heap (-Xmx), or rewrite the"
                  + " file with smaller pages.",
              name, column, header.uncompressed, header.values, nextHeader, maxPageBytes));
    }
    boolean isDictionary = header.type == DICTIONARY_PAGE;
    if (header.values < 0 || header.values > (isDictionary ? header.uncompressed : values)) {
      throw damaged("a page of " + header.values + " values, of " + values + " in the chunk");
    }
    return next;
  }

  private Header longerHeader(More more) throws IOException {
    for (int length = MORE; ; length *= 4) {
      int available = (int) Math.min(length, end - nextHeader);
      try {
        return new Header(more.read(nextHeader, available));
      } catch (BufferUnderflowException cut) {
        if (available < length || length > MAX_HEADER_BYTES) {
          throw damaged("a page header without an end");
        }
      }
    }
  }

  private DatasetException damaged(String found) {
    return new DatasetException(
        String.format(
            "%s, column \"%s\": found %s at byte %,d: the file is damaged",
            name, column, found, nextHeader));
  }

  /** The type, sizes and number of values in a page header. */
  private final class Header {
    private final ByteBuffer in;
    private final int type;
    private final int length;
    private int uncompressed;
    private int compressed;
    private int values;

    Header(ByteBuffer in) {
      this.in = in;
      int start = in.position();
      int pageType = DATA_PAGE;
      int id = 0;
      for (int field = readByte(); field != 0; field = readByte()) {
        int kind = field & 0x0F;
        id = (field >>> 4) != 0 ? id + (field >>> 4) : zigzag(readVarint());
        if (kind == 5 && id == 1) {
          pageType = zigzag(readVarint());
        } else if (kind == 5 && id == 2) {
          uncompressed = zigzag(readVarint());
        } else if (kind == 5 && id == 3) {
          compressed = zigzag(readVarint());
        } else if (kind == 12 && (id == 5 || id == 7 || id == 8)) {
          readPageHeader();
        } else {
          skip(kind, 0);
        }
      }
      this.type = pageType;
      this.length = in.position() - start;
    }

    /** DataPageHeader, DictionaryPageHeader and DataPageHeaderV2 all start with num_values. */
    private void readPageHeader() {
      int id = 0;
      for (int field = readByte(); field != 0; field = readByte()) {
        int kind = field & 0x0F;
        id = (field >>> 4) != 0 ? id + (field >>> 4) : zigzag(readVarint());
        if (kind == 5 && id == 1) {
          values = zigzag(readVarint());
        } else {
          skip(kind, 1);
        }
      }
    }

    private void skip(int kind, int depth) {
      if (depth > 16) {
        throw damaged("a page header with too many levels");
      }
      switch (kind) {
        case 1, 2 -> {} // a boolean: the kind is the value
        case 3 -> readByte();
        case 4, 5, 6 -> readVarint();
        case 7 -> advance(8);
        case 8 -> advance(readVarint());
        case 9, 10 -> skipList(depth);
        case 12 -> skipStruct(depth);
        default -> throw damaged("a page header with a field of kind " + kind);
      }
    }

    private void skipStruct(int depth) {
      for (int field = readByte(); field != 0; field = readByte()) {
        if ((field >>> 4) == 0) {
          readVarint();
        }
        skip(field & 0x0F, depth + 1);
      }
    }

    private void skipList(int depth) {
      int head = readByte();
      long size = (long) head >>> 4;
      if (size == 15) {
        size = readVarint();
      }
      for (long i = 0; i < size; i++) {
        int kind = head & 0x0F;
        if (kind == 1 || kind == 2) {
          readByte();
        } else {
          skip(kind, depth + 1);
        }
      }
    }

    private void advance(long bytes) {
      if (bytes < 0 || bytes > MAX_HEADER_BYTES) {
        throw damaged("a page header of " + bytes + " bytes");
      }
      if (bytes > in.remaining()) {
        throw new BufferUnderflowException();
      }
      in.position(in.position() + (int) bytes);
    }

    private int readByte() {
      return in.get() & 0xFF;
    }

    private long readVarint() {
      long value = 0;
      for (int shift = 0; shift < 64; shift += 7) {
        int b = readByte();
        value |= (long) (b & 0x7F) << shift;
        if (b < 0x80) {
          return value;
        }
      }
      throw damaged("a number of more than 64 bits in a page header");
    }

    private int zigzag(long n) {
      return (int) (n >>> 1 ^ -(n & 1));
    }
  }
}
