package io.github.ggml4j.generation;

import io.github.ggml4j.tensor.internal.Exp;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Greedy search and sampling: every sequence goes its own way. */
final class SampleRun extends Run {
  private final long seed;
  private final float[] logits;
  private final float[] rawLogits;
  private final Candidates candidates = new Candidates();
  private final List<List<Sample>> samples = new ArrayList<>();
  private final List<Sample> active = new ArrayList<>();

  /** A sequence in the making. */
  private static final class Sample {
    final Plan plan;
    final int prompt;
    final int index;
    final int sequence;
    final RandomStream random;
    final TextPieces pieces;
    final int[] tokens;
    final float[] logProbs;
    final float[] transitionScores;
    final StringBuilder text = new StringBuilder();
    int length;

    /** Where the decoder's last step left its logits. */
    int row;

    @Nullable FinishReason finishReason;

    Sample(Plan plan, int prompt, int index, int sequence, int row, long seed) {
      this.plan = plan;
      this.prompt = prompt;
      this.index = index;
      this.sequence = sequence;
      this.row = row;
      random = new RandomStream(seed, index);
      pieces = new TextPieces(plan.text(), plan.trimmed(), plan.prompt());
      tokens = Arrays.copyOf(plan.prompt(), plan.maxLength());
      length = plan.prompt().length;
      int scores = plan.config().logProbs() ? plan.maxLength() - length : 0;
      logProbs = new float[scores];
      transitionScores = new float[scores];
    }

    GeneratedSequence result() {
      int start = plan.prompt().length;
      if (finishReason == null) {
        throw new IllegalStateException("Sequence is unfinished at " + length + " tokens");
      }
      int scores = Math.min(logProbs.length, length - start);
      return new GeneratedSequence(
          text.toString(),
          Arrays.copyOfRange(tokens, start, length),
          Arrays.copyOf(logProbs, scores),
          Arrays.copyOf(transitionScores, scores),
          Float.NaN,
          finishReason);
    }
  }

  SampleRun(Decoder decoder, List<Plan> plans, int vocabSize, long seed) {
    super(decoder, plans);
    this.seed = seed;
    logits = new float[vocabSize];
    rawLogits = new float[plans.getFirst().config().logProbs() ? vocabSize : 0];
  }

  @Override
  void start(int plan, int sequence, int row) {
    var ofPrompt = new ArrayList<Sample>();
    for (int i = 0; i < plans().get(plan).config().numReturnSequences(); i++) {
      ofPrompt.add(new Sample(plans().get(plan), plan, i, decoder().fork(sequence), row, seed));
    }
    samples.add(ofPrompt);
    active.addAll(ofPrompt);
  }

  @Override
  void stepSequences() {
    int[] sequences = new int[active.size()];
    int[][] tokens = new int[active.size()][];
    for (int i = 0; i < sequences.length; i++) {
      var sample = active.get(i);
      sequences[i] = sample.sequence;
      tokens[i] = new int[] {sample.tokens[sample.length - 1]};
      sample.row = i;
    }
    decoder().step(sequences, tokens);
  }

  @Override
  boolean chooseTokens(Consumer<GeneratedToken> listener) {
    for (var sample : active) {
      listener.accept(choose(sample));
    }
    active.removeIf(sample -> {
      if (sample.finishReason != null) {
        decoder().release(sample.sequence);
      }
      return sample.finishReason != null;
    });
    return !active.isEmpty();
  }

  private GeneratedToken choose(Sample sample) {
    decoder().logits(sample.row, logits);
    System.arraycopy(logits, 0, rawLogits, 0, rawLogits.length);
    sample.plan.process(sample.tokens, sample.length, logits);
    int token;
    double transition = Double.NaN;
    if (sample.plan.config().doSample()) {
      candidates.reset(logits);
      sample.plan.filter(candidates);
      int index = Sampler.draw(candidates, sample.random);
      token = candidates.id(index);
      if (rawLogits.length > 0) {
        transition = candidates.score(index) - candidates.logSumExp();
      }
    } else {
      token = Sampler.argmax(logits);
      if (rawLogits.length > 0) {
        transition = logits[token] - Exp.logSumExp(logits, logits.length);
      }
    }
    float logProb = Float.NaN;
    if (rawLogits.length > 0) {
      int at = sample.length - sample.plan.prompt().length;
      logProb = (float) (rawLogits[token] - Exp.logSumExp(rawLogits, rawLogits.length));
      sample.logProbs[at] = logProb;
      sample.transitionScores[at] = (float) transition;
    }
    return append(sample, token, logProb);
  }

  private static GeneratedToken append(Sample sample, int token, float logProb) {
    sample.tokens[sample.length++] = token;
    var ending = sample.plan.ending(sample.tokens, sample.length);
    sample.finishReason = ending.reason();
    String text =
        ending.reason() == null
            ? sample.pieces.add(token)
            : sample.pieces.finish(token, ending.drop());
    sample.text.append(text);
    return new GeneratedToken(
        sample.prompt, sample.index, token, text, logProb, sample.finishReason);
  }

  @Override
  List<List<GeneratedSequence>> results() {
    return samples.stream()
        .map(ofPrompt -> ofPrompt.stream().map(Sample::result).toList())
        .toList();
  }
}
