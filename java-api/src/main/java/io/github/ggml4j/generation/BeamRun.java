package io.github.ggml4j.generation;

import io.github.ggml4j.inference.Decoder;
import io.github.ggml4j.internal.RandomStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Beam search for several prompts: all beams of all prompts advance in one step. */
final class BeamRun extends Run {
  private final long seed;
  private final float[] logits;
  private final float[] raw;
  private final Candidates candidates = new Candidates();
  private final List<BeamSearch> searches = new ArrayList<>();

  BeamRun(Decoder decoder, List<Request> requests, int vocabSize, long seed) {
    super(decoder, requests);
    this.seed = seed;
    logits = new float[vocabSize];
    raw = new float[vocabSize];
  }

  @Override
  void start(int request, Prefix prompt, @Nullable Prefix negative) {
    var options = requests().get(request);
    int[] sequences = new int[options.config().numBeams()];
    int[] rows = new int[sequences.length];
    Arrays.setAll(sequences, _ -> decoder().fork(prompt.sequence()));
    Arrays.fill(rows, prompt.row());
    searches.add(new BeamSearch(options, sequences, rows, new RandomStream(seed, 0)));
  }

  @Override
  void stepSequences() {
    var step = new Step();
    for (var search : searches) {
      if (!search.done()) {
        search.feed(decoder(), step);
      }
    }
    step.compute(decoder());
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
