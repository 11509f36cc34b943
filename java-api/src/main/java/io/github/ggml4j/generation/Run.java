package io.github.ggml4j.generation;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.function.Consumer;

/** One generation under way, over a decoder that belongs to it alone. */
abstract class Run {
  private final Decoder decoder;
  private final List<Plan> plans;
  private int steps;

  Run(Decoder decoder, List<Plan> plans) {
    this.decoder = decoder;
    this.plans = plans;
  }

  /** Greedy search, sampling or beam search, as the configuration says. */
  static Run of(Decoder decoder, List<Plan> plans, int vocabSize, long seed) {
    return plans.getFirst().config().numBeams() > 1
        ? new BeamRun(decoder, plans, vocabSize, seed)
        : new SampleRun(decoder, plans, vocabSize, seed);
  }

  final Decoder decoder() {
    return decoder;
  }

  final List<Plan> plans() {
    return plans;
  }

  /**
   * Gives every unfinished sequence one more token.
   *
   * @return whether any sequence is unfinished
   */
  final boolean advance(Consumer<GeneratedToken> listener) {
    if (Thread.currentThread().isInterrupted()) {
      throw new CancellationException("Interrupted after " + steps + " tokens of each sequence");
    }
    if (steps++ == 0) {
      readPrompts();
    } else {
      stepSequences();
    }
    return chooseTokens(listener);
  }

  /** Computes every distinct prompt once, all in one step, and forks the sequences off it. */
  private void readPrompts() {
    var rows = new LinkedHashMap<List<Integer>, Integer>();
    var tokens = new ArrayList<int[]>();
    int[] rowOfPlan = new int[plans.size()];
    for (int i = 0; i < rowOfPlan.length; i++) {
      int[] prompt = plans.get(i).prompt();
      var key = Arrays.stream(prompt).boxed().toList();
      rowOfPlan[i] =
          rows.computeIfAbsent(
              key,
              _ -> {
                tokens.add(prompt);
                return tokens.size() - 1;
              });
    }
    int[] sequences = new int[tokens.size()];
    Arrays.setAll(sequences, _ -> decoder.newSequence());
    decoder.step(sequences, tokens.toArray(int[][]::new));
    for (int i = 0; i < rowOfPlan.length; i++) {
      start(i, sequences[rowOfPlan[i]], rowOfPlan[i]);
    }
    for (int sequence : sequences) {
      decoder.release(sequence);
    }
  }

  /** Forks the sequences for a prompt off one that holds it. */
  abstract void start(int plan, int sequence, int row);

  /** Feeds the newest token of every unfinished sequence to the decoder. */
  abstract void stepSequences();

  /** Chooses the next token of every unfinished sequence; returns whether any is left. */
  abstract boolean chooseTokens(Consumer<GeneratedToken> listener);

  /** For every prompt its sequences, once all are finished. */
  abstract List<List<GeneratedSequence>> results();
}
