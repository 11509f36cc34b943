package io.github.ggml4j.examples;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.github.ggml4j.TextGenerator;
import io.github.ggml4j.evaluation.Perplexity;
import io.github.ggml4j.generation.GenerationConfig;
import io.github.ggml4j.inference.InferenceSession;
import io.github.ggml4j.io.Adapters;
import io.github.ggml4j.io.ModelExport;
import io.github.ggml4j.io.Models;
import io.github.ggml4j.model.Gpt2Config;
import io.github.ggml4j.model.Gpt2Model;
import io.github.ggml4j.model.LoraAdapter;
import io.github.ggml4j.model.LoraConfig;
import io.github.ggml4j.quantization.Quantization;
import io.github.ggml4j.tensor.Device;
import io.github.ggml4j.tokenizer.BpeTrainer;
import io.github.ggml4j.tokenizer.EncodeOptions;
import io.github.ggml4j.tokenizer.Tokenizer;
import io.github.ggml4j.trainer.Progress;
import io.github.ggml4j.trainer.StepMetrics;
import io.github.ggml4j.trainer.Trainer;
import io.github.ggml4j.trainer.TrainerControl;
import io.github.ggml4j.trainer.TrainingListener;
import io.github.ggml4j.trainer.data.Datasets;
import io.github.ggml4j.trainer.optim.AdamW;
import io.github.ggml4j.trainer.schedule.CosineWarmup;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The code of docs/java.md. Every block there is a region of this file, so that all of it compiles
 * and runs.
 */
class JavaGuideTest {
  private static final Path SOURCE =
      Path.of("src/test/java/io/github/ggml4j/examples/JavaGuideTest.java");
  private static final Path GUIDE = Path.of("../docs/java.md");

  private static TextGenerator generator;
  @TempDir private static Path folder;

  @BeforeAll
  static void load() {
    generator = TextGenerator.load("bundled");
  }

  @AfterAll
  static void close() {
    generator.close();
  }

  @Test
  void everyBlockOfTheGuideIsTested() throws IOException {
    var regions = regions(Files.readString(SOURCE, UTF_8));
    var blocks = new ArrayList<String>();
    var matcher =
        Pattern.compile("<!-- (\\w+) -->\n```java\n(.*?)```", Pattern.DOTALL)
            .matcher(Files.readString(GUIDE, UTF_8));
    while (matcher.find()) {
      blocks.add(matcher.group(1));
      assertThat(matcher.group(2))
          .as(matcher.group(1))
          .isEqualTo(region(regions, matcher.group(1)));
    }
    assertThat(blocks)
        .containsExactlyInAnyOrderElementsOf(regions.stream().map(r -> r[0]).toList());
    assertThat(Files.readString(GUIDE, UTF_8).split("```java", -1)).hasSize(blocks.size() + 1);
  }

  private static List<String[]> regions(String source) {
    return Pattern.compile("// begin (\\w+)\n(.*?) *// end", Pattern.DOTALL)
        .matcher(source)
        .results()
        .map(match ->
            new String[] {match.group(1), match.group(2).stripTrailing().stripIndent() + "\n"})
        .toList();
  }

  private static String region(List<String[]> regions, String name) {
    return regions.stream().filter(r -> r[0].equals(name)).findFirst().orElseThrow()[1];
  }

  @Test
  void generate() {
    // begin generate
    try (var generator = TextGenerator.load("bundled")) { // or a folder, a .gguf file, a Hub name
      List<String> texts =
          generator.generate(
              "Once upon a time", g -> g.maxNewTokens(30).topP(0.9).numReturnSequences(3).seed(42));
      texts.forEach(System.out::println);
    }
    // end
  }

  @Test
  void greedy() {
    // begin greedy
    String text = generator.generate("The sea", g -> g.doSample(false).maxNewTokens(20)).getFirst();
    // end
    assertThat(text).startsWith("The sea");
  }

  @Test
  void stream() {
    // begin stream
    try (var pieces = generator.stream("The sea", g -> g.maxNewTokens(40).seed(1))) {
      pieces.forEach(System.out::print); // each piece as soon as it is computed
    }
    // end
  }

  @Test
  void logProbabilities() {
    // begin logprobs
    for (var sequence : generator.generateDetailed("The sea", g -> g.maxNewTokens(5).seed(1))) {
      for (int i = 0; i < sequence.ids().length; i++) {
        System.out.printf(
            "%-12s %.3f%n",
            generator.tokenizer().decode(sequence.ids()[i]), sequence.logProbs()[i]);
      }
      System.out.println(sequence.finishReason());
    }
    // end
  }

  @Test
  void processors() {
    // begin processors
    int the = generator.tokenizer().encode(" the")[0];
    String text =
        generator
            .generate(
                "She went to",
                g ->
                    g.maxNewTokens(20)
                        .logitsProcessor((tokens, logits) -> logits[the] = Float.NEGATIVE_INFINITY))
            .getFirst();
    // end
    assertThat(text).doesNotContain(" the ");
  }

  @Test
  void batch() {
    // begin batch
    List<List<String>> texts =
        generator.generateBatch(List.of("The sea", "A cat"), g -> g.maxNewTokens(10).seed(7));
    System.out.println(texts.get(1).getFirst()); // the first continuation of "A cat"
    // end
    assertThat(texts).hasSize(2);
  }

  @Test
  void threads() throws Exception {
    // begin threads
    var answers = new ArrayList<Future<String>>();
    try (var executor = Executors.newVirtualThreadPerTaskExecutor()) {
      for (String prompt : List.of("The sea", "A cat", "My house")) {
        answers.add(executor.submit(() -> generator.generate(prompt)));
      }
    } // waits for all of them; only then close the generator
    // end
    assertThat(answers).allSatisfy(answer -> assertThat(answer.get()).isNotEmpty());
  }

  @Test
  void devices() {
    // begin devices
    Device.list().forEach(System.out::println);
    try (var generator = TextGenerator.load("bundled", Device.cpu(2))) { // two threads
      System.out.println(generator.generate("The sea"));
    }
    // end
  }

  @Test
  void estimate() {
    // begin estimate
    var model = generator.model();
    System.out.println(
        InferenceSession.estimateMemory(model, 5, 20, 200)); // 5 sequences, 20 of 200 tokens given
    System.out.println(Trainer.of(model, generator.tokenizer()).batchSize(4).estimateMemory());
    // end
  }

  @Test
  void adapters() {
    Gpt2Model model = generator.model();
    try (var adapter = LoraAdapter.create(LoraConfig.defaults(), model, 1)) {
      Adapters.save(adapter, folder);
    }
    // begin adapters
    model.addAdapter("poems", Adapters.load(folder, model)); // as PEFT writes it
    var poem =
        generator.generate("Once upon a time", g -> g.adapter("poems").maxNewTokens(20).seed(1));
    model.merge("poems"); // now it is part of the weights
    model.unmerge(); // the weights have the same bits as before
    // end
    model.removeAdapter("poems");
    assertThat(poem).isNotEmpty();
  }

  @Test
  void tokenize() {
    // begin tokenize
    var tokenizer = Tokenizer.gpt2(); // or Tokenizer.load(folder), generator.tokenizer()
    int[] ids = tokenizer.encode("Hello, world");
    String text = tokenizer.decode(ids);
    var padded =
        tokenizer.encodeBatch(
            List.of("one", "one two three"),
            EncodeOptions.defaults()
                .withPadding(EncodeOptions.Padding.LONGEST, EncodeOptions.Side.RIGHT));
    // end
    assertThat(text).isEqualTo("Hello, world");
    assertThat(padded.getFirst().length()).isEqualTo(padded.getLast().length());
  }

  @Test
  void tokenizerTraining() {
    List<String> texts = List.of("the cat", "the hat");
    // begin tokenizerTraining
    var own = Tokenizer.train(texts, BpeTrainer.vocabSize(8000).minFrequency(2));
    own.save(folder); // tokenizer.json, vocab.json, merges.txt
    // end
    assertThat(Tokenizer.load(folder).merges()).startsWith("a t", "h e");
  }

  @Test
  void datasets() throws IOException {
    var stories = Files.createDirectories(folder.resolve("stories"));
    Files.writeString(stories.resolve("one.txt"), "A story.");
    var csv = Files.writeString(folder.resolve("reviews.csv"), "stars,text\n5,Good\n1,Bad\n");
    // begin datasets
    var texts = Datasets.folder(stories, "*.txt"); // a document for each file
    var reviews = Datasets.load("csv", csv).text("text").where("stars", 5).shuffle(10_000, 42);
    var ownDocuments = Datasets.of("first document", "second document");
    var all = Datasets.concat(texts, reviews, ownDocuments);
    // end
    assertThat(all.documents())
        .containsExactly("A story.", "Good", "first document", "second document");
  }

  @Test
  void train() throws IOException {
    var code = Files.createDirectories(folder.resolve("code"));
    Files.writeString(code.resolve("sum.py"), "def sum(a, b):\n    return a + b\n".repeat(20));
    var output = folder.resolve("trained");
    // begin train
    try (var generator = TextGenerator.load("bundled")) {
      var result =
          Trainer.of(generator.model(), generator.tokenizer())
              .batchSize(2)
              .maxSequenceLength(32)
              .packing(true)
              .maxSteps(4)
              .optimizer(AdamW.learningRate(2e-3))
              .schedule(CosineWarmup.steps(1))
              .progress(Progress.console())
              .saveTo(output) // a Hugging Face folder
              .checkpoints(output) // every 500 steps, and when it is interrupted
              .resume(true) // from the newest, if there is one
              .fit(Datasets.folder(code, "*.py"));
      System.out.println(result.lastLoss() + (result.cancelled() ? ", cancelled" : ""));
      System.out.println(generator.generate("def sum(a, b):")); // the trained weights
    }
    // end
    assertThat(output.resolve("model.safetensors")).exists();
  }

  @Test
  void evaluate() {
    var output = folder.resolve("evaluated");
    var tokenizer = Tokenizer.gpt2();
    try (var model = Gpt2Model.random(tiny(), Device.cpu(), 1)) {
      // begin evaluate
      var result =
          Trainer.of(model, tokenizer)
              .maxSteps(6)
              .evaluate(Datasets.of("Once upon a time there was a fox.")) // not trained on
              .evalSteps(2)
              .samplePrompts("Once upon") // a text in each evaluation
              .earlyStoppingPatience(3) // stops after 3 evaluations without a lower loss
              .checkpoints(output)
              .saveBest(true) // the weights of the lowest loss
              .saveTo(output)
              .fit(Datasets.of("Once there was a cat.", "Once there was a dog."));
      for (var evaluation : result.evaluations()) {
        System.out.println(evaluation.step() + ": perplexity " + evaluation.perplexity());
      }
      System.out.println(result.endReason() + ", best step " + result.bestStep());
      // end
      assertThat(result.evaluations()).hasSize(3);
    }
  }

  @Test
  void listen() {
    var losses = new ArrayList<Double>();
    try (var model = Gpt2Model.random(tiny(), Device.cpu(), 1)) {
      // begin listener
      Trainer.of(model, Tokenizer.gpt2())
          .maxSteps(3)
          .listener(
              new TrainingListener() {
                @Override
                public void onStepEnd(StepMetrics step, TrainerControl control) {
                  losses.add(step.loss()); // step.learningRate(), step.gradNorm(), ...
                }
              })
          .fit(Datasets.of("some text to learn from"));
      // end
    }
    assertThat(losses).hasSize(3);
  }

  @Test
  void fromScratch() {
    var file = folder.resolve("new.gguf");
    // begin scratch
    var config =
        Gpt2Config.builder().nLayer(2).nHead(2).nEmbd(64).nPositions(128).vocabSize(50257).build();
    try (var model = Gpt2Model.random(config, Device.cpu(), 42)) {
      Trainer.of(model, Tokenizer.gpt2()).maxSteps(2).fit(Datasets.of("Once upon a time"));
      var export =
          ModelExport.builder().quantization(Quantization.Q8_0).tokenizer(Tokenizer.gpt2()).build();
      Models.save(model, file, export);
    }
    // end
    assertThat(file).exists();
  }

  private static Gpt2Config tiny() {
    return Gpt2Config.builder()
        .nLayer(1)
        .nHead(2)
        .nEmbd(16)
        .nPositions(32)
        .vocabSize(50257)
        .build();
  }

  @Test
  void save() {
    // begin save
    generator.save(folder.resolve("model.gguf"), Quantization.F16); // Q8_0, Q4_K_M, ... too
    generator.save(folder.resolve("model"), Quantization.F32); // a folder for transformers
    // end
    assertThat(folder.resolve("model/config.json")).exists();
  }

  @Test
  void perplexity() {
    // begin perplexity
    var result =
        Perplexity.of(generator.model(), generator.tokenizer())
            .strided()
            .evaluate("Once upon a time there was a little girl who lived by the sea.");
    System.out.println(result);
    // end
  }

  @Test
  void defaults() {
    // begin defaults
    GenerationConfig options = generator.defaults(); // defaults of each call
    System.out.println(options);
    // end
    assertThat(options.doSample()).isTrue();
  }
}
