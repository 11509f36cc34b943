package io.github.ggml4j.tokenizer;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Finds added tokens in text: the leftmost match first, and the longest of those. */
final class AddedTokenMatcher {
  /** Receives the pieces of a text from left to right. */
  interface Sink {
    /** Text between tokens; not empty. */
    void text(int start, int end);

    /** A token; the range includes stripped white space. */
    void token(AddedToken token, int start, int end);
  }

  private static final class Node {
    final Map<Character, Node> children = new HashMap<>();
    @Nullable AddedToken token;
  }

  private final Node root = new Node();
  private final boolean[] startsAscii = new boolean[128];
  private final boolean empty;

  AddedTokenMatcher(List<AddedToken> tokens) {
    for (AddedToken token : tokens) {
      Node node = root;
      String content = token.content();
      for (int i = 0; i < content.length(); i++) {
        node = node.children.computeIfAbsent(content.charAt(i), c -> new Node());
      }
      node.token = token;
      if (content.charAt(0) < 128) {
        startsAscii[content.charAt(0)] = true;
      }
    }
    empty = tokens.isEmpty();
  }

  /** Splits {@code text[start, end)} and passes the pieces to the sink. */
  void split(String text, int start, int end, boolean parseSpecial, Sink sink) {
    int textStart = start;
    int i = empty ? end : start;
    while (i < end) {
      AddedToken token = longestAt(text, i, end);
      if (token == null) {
        i++;
        continue;
      }
      int from = i;
      int to = i + token.content().length();
      i = to;
      if ((token.special() && !parseSpecial)
          || (token.singleWord() && !standsAlone(text, start, from, to, end))) {
        continue;
      }
      if (token.lstrip()) {
        while (from > textStart && isStripped(CharacterClasses.before(text, from))) {
          from--;
        }
      }
      if (token.rstrip()) {
        while (to < end && isStripped(CharacterClasses.of(text.charAt(to)))) {
          to++;
        }
      }
      if (textStart < from) {
        sink.text(textStart, from);
      }
      sink.token(token, from, to);
      textStart = to;
      i = Math.max(i, to);
    }
    if (textStart < end) {
      sink.text(textStart, end);
    }
  }

  private @Nullable AddedToken longestAt(String text, int start, int end) {
    char first = text.charAt(start);
    if (first < 128 && !startsAscii[first]) {
      return null;
    }
    Node node = root;
    AddedToken longest = null;
    for (int i = start; i < end; i++) {
      node = node.children.get(text.charAt(i));
      if (node == null) {
        break;
      }
      if (node.token != null) {
        longest = node.token;
      }
    }
    return longest;
  }

  private static boolean standsAlone(String text, int start, int from, int to, int end) {
    return (from == start || (CharacterClasses.before(text, from) & CharacterClasses.WORD) == 0)
        && (to == end
            || (CharacterClasses.of(CharacterClasses.codePointAt(text, to)) & CharacterClasses.WORD)
                == 0);
  }

  private static boolean isStripped(int classes) {
    return (classes & CharacterClasses.STRIPPED) != 0;
  }
}
