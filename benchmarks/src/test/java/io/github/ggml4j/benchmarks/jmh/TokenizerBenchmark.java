package io.github.ggml4j.benchmarks.jmh;

import io.github.ggml4j.tokenizer.Tokenizer;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Setup;

/** GPT-2's tokenizer on about 10,000 characters of text and code. */
public class TokenizerBenchmark extends MicroBenchmark {
  private static final String PARAGRAPH =
      """
      It was a bright cold day in spring, and the clocks were striking one. "Who's there?" she said.
      def total(values, start=0):
          return start + sum(v for v in values if v >= 10.5)
      Ça coûte 12 € à Zürich; \u4eca\u65e5\u306f\u5bd2\u3044\u3067\u3059\u3002 \ud83d\ude00
      """;

  private final Tokenizer tokenizer = Tokenizer.gpt2();
  private final String text = PARAGRAPH.repeat(40);
  private int[] tokens = {};

  /** Encodes the text and checks that decoding returns it. */
  @Setup
  public void setUp() {
    tokens = tokenizer.encode(text);
    check(tokenizer.decode(tokens).equals(text), "decode(encode(text)) is not the text");
    check(tokenizer.encode("Once upon a time").length == 4, "\"Once upon a time\" has 4 tokens");
  }

  /** Text to token ids. */
  @Benchmark
  public int[] encode() {
    return tokenizer.encode(text);
  }

  /** Token ids to text. */
  @Benchmark
  public String decode() {
    return tokenizer.decode(tokens);
  }

  /** Token ids to text, one token at a time as in streaming. */
  @Benchmark
  public int decodeStreaming() {
    var decoder = tokenizer.streamingDecoder();
    int length = 0;
    for (int token : tokens) {
      length += decoder.push(token).length();
    }
    return length + decoder.flush().length();
  }
}
