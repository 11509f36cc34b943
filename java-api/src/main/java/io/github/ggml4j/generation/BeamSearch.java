package io.github.ggml4j.generation;

import io.github.ggml4j.inference.Decoder;
import io.github.ggml4j.internal.RandomStream;
import io.github.ggml4j.tensor.internal.Exp;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;

/**
 * Beam search for one prompt, as Hugging Face's {@code _beam_search}. Each step extends the {@code
 * numBeams} running beams by one token and keeps the best extensions. Finished beams are ranked by
 * their score, {@code sum of log-probabilities / length^lengthPenalty}.
 */
final class BeamSearch {
  /** Lower than any score; added to a score to exclude a beam. */
  private static final float OUT = -1e9f;

  private final Request request;
  private final int beams;
  private final int[] sequences;
  private final int[] rows;
  private final RandomStream random;
  private List<Beam> running = new ArrayList<>();
  private List<Beam> finished = new ArrayList<>();
  private int length;
  private boolean done;

  /**
   * A running or finished beam.
   *
   * @param parent index of the running beam that it extends
   * @param score running: the sum of log-probabilities; finished: with length penalty
   * @param logProbs of the generated tokens in the model
   * @param transitionScores log-probabilities of the generated tokens after processors
   */
  @SuppressWarnings("ArrayRecordComponent") // beams are never compared as values
  private record Beam(
      int parent, int[] tokens, float score, float[] logProbs, float[] transitionScores) {}

  /**
   * A running beam with one more token.
   *
   * @param key extensions with the largest keys are chosen
   */
  private record Extension(
      double key, int parent, int token, float score, float logProb, float transitionScore) {}

  BeamSearch(Request request, int[] sequences, int[] rows, RandomStream random) {
    this.request = request;
    this.beams = sequences.length;
    this.sequences = sequences;
    this.rows = rows;
    this.random = random;
    length = request.prompt().length;
    // All beams are equal at first, so only the first one is extended.
    for (int i = 0; i < beams; i++) {
      running.add(new Beam(i, request.prompt(), i == 0 ? 0 : OUT, new float[0], new float[0]));
    }
  }

  boolean done() {
    return done;
  }

  /**
   * Gives each of the decoder's sequences the history of its beam's parent, and adds the newest
   * token of each beam to the next step.
   */
  void feed(Decoder decoder, Run.Step step) {
    int[] parents = running.stream().mapToInt(beam -> sequences[beam.parent()]).toArray();
    int[] children = Arrays.copyOf(sequences, parents.length);
    if (!Arrays.equals(children, parents)) {
      decoder.reassign(children, parents);
    }
    for (int i = 0; i < running.size(); i++) {
      rows[i] = step.add(sequences[i], running.get(i).tokens()[length - 1]);
    }
  }

  /** Extends all running beams by one token; releases the decoder's sequences if it is done. */
  void extend(Decoder decoder, float[] logits, float[] raw, Candidates candidates) {
    var best = best(decoder, logits, raw, candidates);
    var extended = new ArrayList<Beam>();
    boolean[] ends = new boolean[best.size()];
    for (int i = 0; i < ends.length; i++) {
      var beam = beam(best.get(i));
      extended.add(beam);
      ends[i] = request.ending(beam.tokens(), length + 1).reason() != null;
    }
    length++;
    running = nextRunning(extended, ends);
    boolean canImprove = finish(extended, ends);
    if (!canImprove || allEnd(ends)) {
      done = true;
      for (int sequence : sequences) {
        decoder.release(sequence);
      }
    }
  }

  private static boolean allEnd(boolean[] ends) {
    for (boolean end : ends) {
      if (!end) {
        return false;
      }
    }
    return true;
  }

  private Beam beam(Extension extension) {
    var parent = running.get(extension.parent());
    int[] tokens = Arrays.copyOf(parent.tokens(), length + 1);
    tokens[length] = extension.token();
    return new Beam(
        extension.parent(),
        tokens,
        extension.score(),
        append(parent.logProbs(), extension.logProb()),
        append(parent.transitionScores(), extension.transitionScore()));
  }

  private float[] append(float[] values, float value) {
    if (!request.config().logProbs()) {
      return values;
    }
    float[] result = Arrays.copyOf(values, values.length + 1);
    result[values.length] = value;
    return result;
  }

  /**
   * The best extensions. There are enough that {@code numBeams} of them do not end with an
   * end-of-sequence token.
   */
  private List<Extension> best(
      Decoder decoder, float[] logits, float[] raw, Candidates candidates) {
    int keep = Math.max(2, 1 + request.eosTokenIds().size()) * beams;
    var best = new Best(keep);
    for (int i = 0; i < running.size(); i++) {
      decoder.logits(rows[i], logits);
      toLogProbs(logits);
      System.arraycopy(logits, 0, raw, 0, raw.length);
      var beam = running.get(i);
      request.process(beam.tokens(), length, logits);
      if (request.config().doSample()) {
        candidates.reset(logits);
        request.filter(candidates);
        sample(candidates, i, raw, best);
      } else {
        float score = beam.score();
        for (int token = 0; token < logits.length; token++) {
          float sum = logits[token] + score;
          if (best.takes(sum)) {
            best.add(new Extension(sum, i, token, sum, raw[token], logits[token]));
          }
        }
      }
    }
    if (best.extensions.isEmpty()) {
      throw Sampler.nothingToChoose(false);
    }
    return best.extensions;
  }

  /**
   * Draws without replacement by probability: the largest sums of log-probability and Gumbel noise
   * (Kool and others, "Stochastic Beams and Where to Find Them", 2019).
   */
  private void sample(Candidates candidates, int beam, float[] raw, Best best) {
    float score = running.get(beam).score();
    for (int j = 0; j < candidates.size(); j++) {
      double uniform = random.nextDouble() + 0x1p-54;
      if (candidates.logit(j) > Float.NEGATIVE_INFINITY) {
        float sum = candidates.logit(j) + score;
        double key = sum - StrictMath.log(-StrictMath.log(uniform));
        if (best.takes(key)) {
          int token = candidates.id(j);
          best.add(new Extension(key, beam, token, sum, raw[token], candidates.logit(j)));
        }
      }
    }
  }

  private void toLogProbs(float[] logits) {
    double sum = Exp.logSumExp(logits, logits.length);
    if (Double.isNaN(sum) && !request.config().removeInvalidValues()) {
      throw Sampler.nothingToChoose(true);
    }
    for (int i = 0; i < logits.length; i++) {
      logits[i] = (float) (logits[i] - sum);
    }
  }

  private List<Beam> nextRunning(List<Beam> extended, boolean[] ends) {
    var open = new ArrayList<Beam>();
    for (int i = 0; i < extended.size(); i++) {
      var beam = extended.get(i);
      open.add(ends[i] ? withScore(beam, beam.score() + OUT) : beam);
    }
    return top(open);
  }

  /**
   * Adds ended beams to the finished ones and keeps the best.
   *
   * @return whether a running beam can still beat them
   */
  private boolean finish(List<Beam> extended, boolean[] ends) {
    var config = request.config();
    int generated = length - request.prompt().length;
    var all = new ArrayList<>(finished);
    // The extensions after these are only candidates for running beams.
    for (int i = 0; i < Math.min(beams, extended.size()); i++) {
      if (ends[i]) {
        var beam = extended.get(i);
        all.add(withScore(beam, beam.score() / power(generated)));
      }
    }
    finished = top(all);
    boolean full = finished.size() == beams;
    if (full && config.earlyStopping() == EarlyStopping.TRUE) {
      return false;
    }
    int bestLength =
        config.earlyStopping() == EarlyStopping.NEVER && config.lengthPenalty() > 0
            ? request.maxLength() - request.prompt().length
            : generated;
    float bestPossible = running.getFirst().score() / power(bestLength);
    return bestPossible > (full ? finished.getLast().score() : OUT);
  }

  private float power(int length) {
    return (float) StrictMath.pow(length, request.config().lengthPenalty());
  }

  private static Beam withScore(Beam beam, float score) {
    return new Beam(beam.parent(), beam.tokens(), score, beam.logProbs(), beam.transitionScores());
  }

  private List<Beam> top(List<Beam> beamsToSort) {
    beamsToSort.sort(Comparator.comparing(Beam::score, Collections.reverseOrder()));
    return new ArrayList<>(beamsToSort.subList(0, Math.min(beams, beamsToSort.size())));
  }

  List<GeneratedSequence> results() {
    int wanted = request.config().numReturnSequences();
    if (finished.size() < wanted) {
      throw Sampler.nothingToChoose(false);
    }
    return finished.subList(0, wanted).stream().map(this::result).toList();
  }

  private GeneratedSequence result(Beam beam) {
    var reason = request.ending(beam.tokens(), beam.tokens().length).reason();
    if (reason == null) {
      throw new IllegalStateException("Beam is unfinished at " + beam.tokens().length + " tokens");
    }
    return new GeneratedSequence(
        request.newText(beam.tokens(), beam.tokens().length),
        Arrays.copyOfRange(beam.tokens(), request.prompt().length, beam.tokens().length),
        beam.logProbs(),
        beam.transitionScores(),
        beam.score(),
        reason);
  }

  /** The extensions with the largest keys, largest first; of equal ones the first added. */
  private static final class Best {
    final int keep;
    final List<Extension> extensions = new ArrayList<>();

    Best(int keep) {
      this.keep = keep;
    }

    boolean takes(double key) {
      return extensions.size() < keep
          ? key > Double.NEGATIVE_INFINITY
          : key > extensions.getLast().key();
    }

    void add(Extension extension) {
      int at = extensions.size();
      while (at > 0 && extensions.get(at - 1).key() < extension.key()) {
        at--;
      }
      extensions.add(at, extension);
      if (extensions.size() > keep) {
        extensions.removeLast();
      }
    }
  }
}
