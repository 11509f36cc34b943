package io.github.ggml4j.tokenizer;

import io.github.ggml4j.tokenizer.internal.Utf8;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * Finds the merges of byte pair encoding (<a href="https://arxiv.org/abs/1508.07909">Sennrich et
 * al.</a>): counts words, then merges the most frequent pair of tokens again and again. Of equally
 * frequent pairs the one of lower ids is first, as in {@code BpeTrainer} of Hugging Face's
 * tokenizers. A merge only visits the words that contain its pair.
 */
final class MergeSearch {
  /** Two adjacent tokens. */
  private static final class Pair {
    final int left;
    final int right;

    /** The number of occurrences, not updated by the merge of the pair itself. */
    long count;

    /** Words in which the pair is new since its last entry in the queue. */
    int[] found = {};

    int foundCount;

    Pair(int left, int right) {
      this.left = left;
      this.right = right;
    }

    /** Adds a word; words arrive in groups, so that a repeated word is the last one. */
    void foundIn(int word) {
      if (foundCount > 0 && found[foundCount - 1] == word) {
        return;
      }
      if (foundCount == found.length) {
        found = Arrays.copyOf(found, Math.max(4, 2 * foundCount));
      }
      found[foundCount++] = word;
    }
  }

  /** A pair in the queue with its count at that time and the words to visit. */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record Entry(Pair pair, long count, int[] words) {}

  private static final Comparator<Entry> BY_COUNT =
      Comparator.comparingLong(Entry::count)
          .reversed()
          .thenComparingInt(entry -> entry.pair.left)
          .thenComparingInt(entry -> entry.pair.right);

  /** The count of a word, which changes while texts are read. */
  private static final class Count {
    long value;
  }

  private final BpeTrainer options;
  private final Map<String, Count> wordCounts = new HashMap<>();
  private final Map<String, Integer> ids = new HashMap<>();
  private final List<String> tokens = new ArrayList<>();
  private final Set<MergedPair> merges = new LinkedHashSet<>();

  /** The token ids of each word. */
  private int[][] words = {};

  private int[] lengths = {};
  private long[] counts = {};
  private final Map<Long, Pair> pairs = new HashMap<>();
  private final List<Pair> changed = new ArrayList<>();
  private final PriorityQueue<Entry> queue = new PriorityQueue<>(BY_COUNT);

  private record MergedPair(int left, int right) {}

  MergeSearch(BpeTrainer options) {
    this.options = options;
  }

  /** Counts the words of a text. Special tokens in the text are ordinary text, as in Python. */
  void count(String text) {
    for (int start = 0; start < text.length(); ) {
      int end = WordSplitter.endOfWord(text, start, text.length());
      wordCounts.computeIfAbsent(text.substring(start, end), _ -> new Count()).value++;
      start = end;
    }
  }

  /** All tokens by id: special tokens, bytes by the code point that spells them, merged tokens. */
  List<String> tokens() {
    return tokens;
  }

  /** The merges in order of rank, the two halves separated by a space. */
  List<String> merges() {
    return merges.stream()
        .map(merge -> tokens.get(merge.left) + " " + tokens.get(merge.right))
        .toList();
  }

  /** Finds the merges of all words that were counted. */
  void run() {
    options.specialTokens().forEach(this::id);
    IntStream.range(0, 256)
        .mapToObj(ByteLevel::character)
        .sorted()
        .forEach(character -> id(String.valueOf(character)));
    splitWords();
    for (int word = 0; word < words.length; word++) {
      for (int i = 1; i < lengths[word]; i++) {
        change(words[word][i - 1], words[word][i], counts[word], word);
      }
    }
    enqueueChanged();
    while (ids.size() < options.vocabSize() && !queue.isEmpty()) {
      Entry entry = queue.poll();
      Pair pair = entry.pair;
      if (entry.count != pair.count) {
        queue.add(new Entry(pair, pair.count, entry.words));
        continue;
      }
      if (entry.count < Math.max(1, options.minFrequency())) {
        return;
      }
      merge(pair, entry.words);
    }
  }

  /** The id of a token, which is appended if it is new. */
  private int id(String token) {
    Integer known = ids.putIfAbsent(token, tokens.size());
    if (known != null) {
      return known;
    }
    tokens.add(token);
    return tokens.size() - 1;
  }

  private void splitWords() {
    int[] byteIds = new int[256];
    for (int b = 0; b < 256; b++) {
      byteIds[b] = id(String.valueOf(ByteLevel.character(b)));
    }
    words = new int[wordCounts.size()][];
    lengths = new int[words.length];
    counts = new long[words.length];
    int word = 0;
    for (Map.Entry<String, Count> entry : wordCounts.entrySet()) {
      String text = entry.getKey();
      byte[] bytes = new byte[3 * text.length()];
      int length = Utf8.encode(text, 0, text.length(), bytes);
      int[] split = new int[length];
      for (int i = 0; i < length; i++) {
        split[i] = byteIds[bytes[i] & 0xff];
      }
      words[word] = split;
      lengths[word] = length;
      counts[word++] = entry.getValue().value;
    }
    wordCounts.clear();
  }

  private void merge(Pair pair, int[] visited) {
    int merged = id(tokens.get(pair.left).concat(tokens.get(pair.right)));
    MergedPair found = new MergedPair(pair.left, pair.right);
    // A pair can be merged twice if two merges give the same token. The last rank counts, as in
    // Python.
    merges.remove(found);
    merges.add(found);
    for (int word : visited) {
      mergeIn(word, pair.left, pair.right, merged);
    }
    enqueueChanged();
  }

  private void mergeIn(int word, int left, int right, int merged) {
    int[] symbols = words[word];
    int length = lengths[word];
    long count = counts[word];
    int out = 0;
    for (int i = 0; i < length; ) {
      if (i + 1 == length || symbols[i] != left || symbols[i + 1] != right) {
        symbols[out++] = symbols[i++];
        continue;
      }
      if (out > 0) {
        change(symbols[out - 1], left, -count, word);
        change(symbols[out - 1], merged, count, word);
      }
      if (i + 2 < length) {
        change(right, symbols[i + 2], -count, word);
        change(merged, symbols[i + 2], count, word);
      }
      symbols[out++] = merged;
      i += 2;
    }
    lengths[word] = out;
  }

  /** Adds to the count of a pair; the word is to be visited if the pair is new in it. */
  private void change(int left, int right, long count, int word) {
    Pair pair = pairs.computeIfAbsent((long) left << 32 | right, _ -> new Pair(left, right));
    pair.count += count;
    if (count > 0) {
      if (pair.foundCount == 0) {
        changed.add(pair);
      }
      pair.foundIn(word);
    }
  }

  private void enqueueChanged() {
    for (Pair pair : changed) {
      if (pair.count > 0) {
        queue.add(new Entry(pair, pair.count, Arrays.copyOf(pair.found, pair.foundCount)));
      }
      pair.found = new int[0];
      pair.foundCount = 0;
    }
    changed.clear();
  }
}
