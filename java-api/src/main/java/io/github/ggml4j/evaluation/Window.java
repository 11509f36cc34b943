package io.github.ggml4j.evaluation;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** A part of a text that a model reads at once. */
final class Window {
  private final int[] tokens;
  private final int first;
  private final int weight;

  /**
   * A window.
   *
   * @param first the first position whose next token is scored
   * @param weight how many tokens the mean loss of the window stands for
   */
  Window(int[] tokens, int first, int weight) {
    this.tokens = tokens;
    this.first = first;
    this.weight = weight;
  }

  int[] tokens() {
    return tokens;
  }

  int first() {
    return first;
  }

  int weight() {
    return weight;
  }

  /** How many tokens are scored. */
  int scored() {
    return tokens.length - 1 - first;
  }

  /** Whether both can be read side by side. */
  boolean fits(Window other) {
    return tokens.length == other.tokens.length && first == other.first;
  }

  /**
   * Windows that slide over the text, as in https://huggingface.co/docs/transformers/perplexity:
   * each token is scored once, in the first window that reaches it. The guide weighs each window
   * with one token less than is new in it, also where an overlapping window scores all of its new
   * tokens; so does this.
   */
  static List<Window> strided(int[] text, int context, int stride) {
    var windows = new ArrayList<Window>();
    int previousEnd = 0;
    for (int begin = 0; begin < text.length; begin += stride) {
      int end = Math.min(begin + context, text.length);
      int fresh = end - previousEnd;
      int length = end - begin;
      int first = Math.max(length - fresh - 1, 0);
      if (first < length - 1) {
        windows.add(new Window(Arrays.copyOfRange(text, begin, end), first, fresh - 1));
      }
      previousEnd = end;
      if (end == text.length) {
        break;
      }
    }
    return windows;
  }

  /**
   * Windows one behind the other whose second half is scored, as llama-perplexity does; what is
   * left at the end of the text is not.
   *
   * @param bos put in the place of each window's first token; negative for none
   */
  static List<Window> chunked(int[] text, int context, int bos) {
    var windows = new ArrayList<Window>();
    for (int begin = 0; begin + context <= text.length; begin += context) {
      var tokens = Arrays.copyOfRange(text, begin, begin + context);
      if (bos >= 0) {
        tokens[0] = bos;
      }
      int first = context / 2;
      windows.add(new Window(tokens, first, context - 1 - first));
    }
    return windows;
  }

  /** Neighbours that can be read side by side, together of about {@code tokens} tokens. */
  static List<List<Window>> batches(List<Window> windows, int tokens) {
    var batches = new ArrayList<List<Window>>();
    for (int from = 0; from < windows.size(); ) {
      var head = windows.get(from);
      int most = Math.max(1, tokens / head.tokens.length);
      int to = from + 1;
      while (to < windows.size() && to - from < most && head.fits(windows.get(to))) {
        to++;
      }
      batches.add(windows.subList(from, to));
      from = to;
    }
    return batches;
  }

  static int[][] tokens(List<Window> batch) {
    return batch.stream().map(Window::tokens).toArray(int[][]::new);
  }
}
