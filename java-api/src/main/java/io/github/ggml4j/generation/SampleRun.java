package io.github.ggml4j.generation;

import io.github.ggml4j.inference.Decoder;
import io.github.ggml4j.internal.RandomStream;
import io.github.ggml4j.tensor.internal.Exp;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Greedy search and sampling: the sequences do not depend on each other. */
final class SampleRun extends Run {
  private static final int[] NO_PROPOSAL = {};

  private final long seed;
  private final float[] logits;

  /** The model's logits before processors; empty without log-probabilities. */
  private final float[] rawLogits;

  /** Logits after the negative prompt; empty without guidance. */
  private final float[] negativeLogits;

  private final Candidates candidates = new Candidates();
  private final List<List<Sample>> samples = new ArrayList<>();
  private final List<Sample> active = new ArrayList<>();

  /** A sequence that is being generated. */
  private static final class Sample {
    final Request request;
    final int prompt;
    final int index;
    final int sequence;

    /** The decoder's sequence of the negative prompt; -1 without guidance. */
    final int negative;

    final RandomStream random;
    final StreamedText streamed;
    final int[] tokens;
    final float[] logProbs;
    final float[] transitionScores;
    final StringBuilder text = new StringBuilder();
    int length;

    /** Row of the logits after the newest token; the rows after it belong to the proposal. */
    int row;

    int negativeRow;

    /** Tokens of prompt lookup that were computed together with the newest token. */
    int[] proposal = NO_PROPOSAL;

    @Nullable FinishReason finishReason;

    Sample(Request request, int prompt, int index, int sequence, int negative, long seed) {
      this.request = request;
      this.prompt = prompt;
      this.index = index;
      this.sequence = sequence;
      this.negative = negative;
      random = new RandomStream(seed, index);
      streamed = new StreamedText(request.tokenizer(), request.trimmed(), request.prompt());
      tokens = Arrays.copyOf(request.prompt(), request.maxLength());
      length = request.prompt().length;
      int scores = request.config().logProbs() ? request.maxLength() - length : 0;
      logProbs = new float[scores];
      transitionScores = new float[scores];
    }

    GeneratedSequence result() {
      int start = request.prompt().length;
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

  SampleRun(Decoder decoder, List<Request> requests, int vocabSize, long seed) {
    super(decoder, requests);
    this.seed = seed;
    var config = requests.getFirst().config();
    logits = new float[vocabSize];
    rawLogits = new float[config.logProbs() ? vocabSize : 0];
    negativeLogits = new float[config.guidanceScale() == 1 ? 0 : vocabSize];
  }

  @Override
  void start(int request, Prefix prompt, @Nullable Prefix negative) {
    var ofPrompt = new ArrayList<Sample>();
    var options = requests().get(request);
    for (int i = 0; i < options.config().numReturnSequences(); i++) {
      int sequence = decoder().fork(prompt.sequence());
      int negativeSequence = negative == null ? -1 : decoder().fork(negative.sequence());
      var sample = new Sample(options, request, i, sequence, negativeSequence, seed);
      sample.row = prompt.row();
      sample.negativeRow = negative == null ? -1 : negative.row();
      ofPrompt.add(sample);
    }
    samples.add(ofPrompt);
    active.addAll(ofPrompt);
  }

  @Override
  void stepSequences() {
    var step = new Step();
    for (var sample : active) {
      int newest = sample.tokens[sample.length - 1];
      sample.proposal = propose(sample);
      int[] tokens = new int[1 + sample.proposal.length];
      tokens[0] = newest;
      System.arraycopy(sample.proposal, 0, tokens, 1, sample.proposal.length);
      sample.row = step.add(sample.sequence, tokens);
      if (sample.negative >= 0) {
        sample.negativeRow = step.add(sample.negative, newest);
      }
    }
    step.compute(decoder());
  }

  private static int[] propose(Sample sample) {
    var config = sample.request.config();
    int most =
        Math.min(config.promptLookupNumTokens(), sample.request.maxLength() - sample.length - 1);
    return most <= 0
        ? NO_PROPOSAL
        : PromptLookup.propose(sample.tokens, sample.length, most, config.maxMatchingNgramSize());
  }

  @Override
  boolean chooseTokens(Consumer<GeneratedToken> listener) {
    for (var sample : active) {
      int accepted = 0;
      while (accepts(sample, accepted, choose(sample, sample.row + accepted), listener)) {
        accepted++;
      }
      if (sample.finishReason == null && accepted < sample.proposal.length) {
        decoder().truncate(sample.sequence, sample.length - 1);
      }
    }
    active.removeIf(sample -> {
      if (sample.finishReason != null) {
        decoder().release(sample.sequence);
        if (sample.negative >= 0) {
          decoder().release(sample.negative);
        }
      }
      return sample.finishReason != null;
    });
    return !active.isEmpty();
  }

  /**
   * Reports a token. Returns whether it equals the proposed token, in which case the logits after
   * it are computed already.
   */
  private static boolean accepts(
      Sample sample, int accepted, GeneratedToken token, Consumer<GeneratedToken> listener) {
    listener.accept(token);
    return sample.finishReason == null
        && accepted < sample.proposal.length
        && sample.proposal[accepted] == token.id();
  }

  private GeneratedToken choose(Sample sample, int row) {
    decoder().logits(row, logits);
    System.arraycopy(logits, 0, rawLogits, 0, rawLogits.length);
    if (sample.negative >= 0) {
      decoder().logits(sample.negativeRow, negativeLogits);
      guide(sample.request.config().guidanceScale());
    }
    sample.request.process(sample.tokens, sample.length, logits);
    int token;
    double transition = Double.NaN;
    if (sample.request.config().doSample()) {
      candidates.reset(logits);
      sample.request.filter(candidates);
      int index = candidates.draw(sample.random);
      token = candidates.id(index);
      if (rawLogits.length > 0) {
        transition = candidates.logit(index) - candidates.logSumExp();
      }
    } else {
      token = Sampler.argmax(logits);
      if (rawLogits.length > 0) {
        transition = logits[token] - Exp.logSumExp(logits, logits.length);
      }
    }
    float logProb = Float.NaN;
    if (rawLogits.length > 0) {
      int at = sample.length - sample.request.prompt().length;
      logProb = (float) (rawLogits[token] - Exp.logSumExp(rawLogits, rawLogits.length));
      sample.logProbs[at] = logProb;
      sample.transitionScores[at] = (float) transition;
    }
    return append(sample, token, logProb);
  }

  /**
   * Classifier-free guidance, as {@code UnbatchedClassifierFreeGuidanceLogitsProcessor} (Sanchez
   * and others, "Stay on topic with Classifier-Free Guidance", 2023): {@code scale (log p - log n)
   * + log n}, where n are the probabilities after the negative prompt.
   */
  private void guide(float scale) {
    double logSum = Exp.logSumExp(logits, logits.length);
    double negativeLogSum = Exp.logSumExp(negativeLogits, negativeLogits.length);
    for (int i = 0; i < logits.length; i++) {
      double negative = negativeLogits[i] - negativeLogSum;
      logits[i] = (float) (scale * (logits[i] - logSum - negative) + negative);
    }
  }

  private static GeneratedToken append(Sample sample, int token, float logProb) {
    sample.tokens[sample.length++] = token;
    var ending = sample.request.ending(sample.tokens, sample.length);
    sample.finishReason = ending.reason();
    String text =
        ending.reason() == null
            ? sample.streamed.add(token)
            : sample.streamed.finish(token, ending.drop());
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
