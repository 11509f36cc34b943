package io.github.ggml4j.tokenizer;

import io.github.ggml4j.error.InvalidArgumentException;
import io.github.ggml4j.internal.Check;
import io.github.ggml4j.internal.StrictUtf8;
import java.util.List;

/**
 * Options of {@link Tokenizer#train}: those of Hugging Face's {@code BpeTrainer} with the
 * pre-tokenizer {@code ByteLevel(add_prefix_space=False)} and its alphabet.
 *
 * @param vocabSize the number of tokens, special tokens and the 256 bytes included. The vocabulary
 *     is smaller if no more pairs of tokens can be merged, and never smaller than the special
 *     tokens and the bytes
 * @param minFrequency the number of times that a pair must occur to be merged; pairs that do not
 *     occur are never merged
 * @param specialTokens tokens that are matched as a whole; they get the first ids. {@code
 *     <|endoftext|>} becomes the beginning and the end of text
 */
public record BpeTrainer(int vocabSize, long minFrequency, List<String> specialTokens) {
  /** Hugging Face's default. */
  private static final int VOCAB_SIZE = 30_000;

  /**
   * Checks the options.
   *
   * @throws InvalidArgumentException if a number is out of range, or a special token is empty,
   *     occurs twice or is not valid Unicode
   */
  public BpeTrainer {
    Check.between("vocabSize", vocabSize, 1, TokenizerBuilder.MAX_TOKENS);
    Check.atLeast("minFrequency", minFrequency, 0);
    specialTokens = List.copyOf(specialTokens);
    for (int i = 0; i < specialTokens.size(); i++) {
      String token = specialTokens.get(i);
      if (token.isEmpty() || !StrictUtf8.isWellFormed(token) || specialTokens.indexOf(token) != i) {
        throw new InvalidArgumentException(
            "specialTokens",
            specialTokens,
            "different tokens of valid Unicode, none of them empty");
      }
    }
  }

  /** 30,000 tokens, every pair that occurs, and the special token {@code <|endoftext|>}. */
  public static BpeTrainer defaults() {
    return new BpeTrainer(VOCAB_SIZE, 0, List.of(Gpt2Vocabulary.END_OF_TEXT));
  }

  /** {@link #defaults()} with another number of tokens (Hugging Face's {@code vocab_size}). */
  public static BpeTrainer vocabSize(int tokens) {
    return defaults().withVocabSize(tokens);
  }

  /** A copy with another number of tokens. */
  public BpeTrainer withVocabSize(int tokens) {
    return new BpeTrainer(tokens, minFrequency, specialTokens);
  }

  /** A copy with another frequency (Hugging Face's {@code min_frequency}). */
  public BpeTrainer minFrequency(long frequency) {
    return new BpeTrainer(vocabSize, frequency, specialTokens);
  }

  /** A copy with other special tokens (Hugging Face's {@code special_tokens}). */
  public BpeTrainer specialTokens(String... tokens) {
    return new BpeTrainer(vocabSize, minFrequency, List.of(tokens));
  }

  TokenizerModel train(Iterable<String> texts) {
    MergeSearch search = new MergeSearch(this);
    for (String text : texts) {
      search.count(text);
    }
    search.run();
    TokenizerBuilder builder = new TokenizerBuilder("trained tokenizer");
    List<String> tokens = search.tokens();
    for (int id = 0; id < tokens.size(); id++) {
      builder.token(tokens.get(id), id);
    }
    search.merges().forEach(builder::merge);
    for (int id = 0; id < specialTokens.size(); id++) {
      builder.add(List.of(AddedToken.special(id, specialTokens.get(id))));
    }
    Integer end =
        specialTokens.contains(Gpt2Vocabulary.END_OF_TEXT)
            ? builder.id(Gpt2Vocabulary.END_OF_TEXT)
            : null;
    return builder.bos(end).eos(end).build();
  }
}
