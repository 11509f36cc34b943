package io.github.ggml4j.generation;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;

/** Beam search for several prompts: all beams of all prompts advance together. */
final class BeamRun extends Run {
  private final long seed;
  private final float[] logits;
  private final float[] raw;
  private final Candidates candidates = new Candidates();
  private final List<BeamSearch> searches = new ArrayList<>();

  BeamRun(Decoder decoder, List<Plan> plans, int vocabSize, long seed) {
    super(decoder, plans);
    this.seed = seed;
    logits = new float[vocabSize];
    raw = new float[vocabSize];
  }

  @Override
  void start(int plan, int sequence, int row) {
    int[] sequences = new int[plans().get(plan).config().numBeams()];
    int[] rows = new int[sequences.length];
    Arrays.setAll(sequences, _ -> decoder().fork(sequence));
    Arrays.fill(rows, row);
    searches.add(new BeamSearch(plans().get(plan), sequences, rows, new RandomStream(seed, 0)));
  }

  @Override
  void stepSequences() {
    var sequences = new ArrayList<Integer>();
    var tokens = new ArrayList<int[]>();
    for (var search : searches) {
      if (!search.done()) {
        search.feed(decoder(), sequences, tokens);
      }
    }
    decoder()
        .step(
            sequences.stream().mapToInt(Integer::intValue).toArray(), tokens.toArray(int[][]::new));
  }

  @Override
  boolean chooseTokens(Consumer<GeneratedToken> listener) {
    boolean more = false;
    for (var search : searches) {
      if (!search.done()) {
        search.extend(decoder(), logits, raw, candidates);
        more |= !search.done();
      }
    }
    return more;
  }

  @Override
  List<List<GeneratedSequence>> results() {
    return searches.stream().map(BeamSearch::results).toList();
  }
}
