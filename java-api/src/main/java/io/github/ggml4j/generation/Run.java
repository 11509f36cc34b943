package io.github.ggml4j.generation;

import io.github.ggml4j.inference.Decoder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** The generation loop of one call. Its decoder is used by no other call. */
abstract class Run {
  private final Decoder decoder;
  private final List<Request> requests;
  private int steps;

  /**
   * A decoder's sequence that holds a prompt.
   *
   * @param row index of the logits that follow it, in the last step
   */
  record Prefix(int sequence, int row) {}

  Run(Decoder decoder, List<Request> requests) {
    this.decoder = decoder;
    this.requests = requests;
  }

  /** Greedy search, sampling or beam search, as the configuration selects. */
  static Run of(Decoder decoder, List<Request> requests, int vocabSize, long seed) {
    return requests.getFirst().config().numBeams() > 1
        ? new BeamRun(decoder, requests, vocabSize, seed)
        : new SampleRun(decoder, requests, vocabSize, seed);
  }

  final Decoder decoder() {
    return decoder;
  }

  final List<Request> requests() {
    return requests;
  }

  /**
   * Computes one step, which appends at least one token to each unfinished sequence.
   *
   * @return whether any sequence is unfinished
   */
  final boolean advance(Consumer<GeneratedToken> listener) {
    if (Thread.currentThread().isInterrupted()) {
      throw new CancellationException("Interrupted after " + steps + " steps");
    }
    if (steps++ == 0) {
      readPrompts();
    } else {
      stepSequences();
    }
    return chooseTokens(listener);
  }

  /** Computes all different prompts in one step and forks the sequences from them. */
  private void readPrompts() {
    var rows = new LinkedHashMap<List<Integer>, Integer>();
    for (var request : requests) {
      add(rows, request.prompt());
      add(rows, request.negativePrompt());
    }
    int[][] tokens =
        rows.keySet().stream()
            .map(prompt -> prompt.stream().mapToInt(Integer::intValue).toArray())
            .toArray(int[][]::new);
    int[] sequences = new int[tokens.length];
    Arrays.setAll(sequences, _ -> decoder.newSequence());
    decoder.step(sequences, tokens);
    for (int i = 0; i < requests.size(); i++) {
      var prompt = prefix(rows, sequences, requests.get(i).prompt());
      int[] negative = requests.get(i).negativePrompt();
      start(i, prompt, negative == null ? null : prefix(rows, sequences, negative));
    }
    for (int sequence : sequences) {
      decoder.release(sequence);
    }
  }

  private static void add(Map<List<Integer>, Integer> rows, int @Nullable [] prompt) {
    if (prompt != null) {
      rows.putIfAbsent(key(prompt), rows.size());
    }
  }

  private static Prefix prefix(Map<List<Integer>, Integer> rows, int[] sequences, int[] prompt) {
    int row = rows.getOrDefault(key(prompt), -1);
    return new Prefix(sequences[row], row);
  }

  private static List<Integer> key(int[] prompt) {
    return Arrays.stream(prompt).boxed().toList();
  }

  /**
   * Forks the sequences of a request.
   *
   * @param request its index
   * @param negative the negative prompt of guidance; null without guidance
   */
  abstract void start(int request, Prefix prompt, @Nullable Prefix negative);

  /** Computes the logits that follow the newest token of each unfinished sequence. */
  abstract void stepSequences();

  /**
   * Chooses the next tokens of each unfinished sequence; returns whether any sequence is
   * unfinished.
   */
  abstract boolean chooseTokens(Consumer<GeneratedToken> listener);

  /** The sequences of each request, once all are finished. */
  abstract List<List<GeneratedSequence>> results();

  /** The sequences and tokens of one step of the decoder. */
  static final class Step {
    private final List<Integer> sequences = new ArrayList<>();
    private final List<int[]> tokens = new ArrayList<>();
    private int rows;

    /** Adds a sequence; returns the row of the logits after its first token. */
    int add(int sequence, int... tokens) {
      int row = rows;
      sequences.add(sequence);
      this.tokens.add(tokens);
      rows += tokens.length;
      return row;
    }

    /** Computes the logits after each of the tokens. */
    void compute(Decoder decoder) {
      int[] ids = sequences.stream().mapToInt(Integer::intValue).toArray();
      if (rows == ids.length) {
        decoder.step(ids, tokens.toArray(int[][]::new));
      } else {
        decoder.stepAll(ids, tokens.toArray(int[][]::new));
      }
    }
  }
}
