import io.github.ggml4j.TextGenerator;
import io.github.ggml4j.io.ModelExport;
import io.github.ggml4j.io.Models;
import io.github.ggml4j.model.Gpt2Config;
import io.github.ggml4j.model.Gpt2Model;
import io.github.ggml4j.tensor.Device;
import io.github.ggml4j.trainer.Trainer;
import io.github.ggml4j.trainer.data.Datasets;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassHierarchyResolver;
import java.lang.classfile.CodeBuilder;
import java.lang.classfile.CodeElement;
import java.lang.classfile.CodeTransform;
import java.lang.classfile.MethodModel;
import java.lang.classfile.MethodTransform;
import java.lang.constant.ClassDesc;
import java.lang.constant.MethodTypeDesc;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeSet;

/**
 * Prints the source files whose code runs in each data flow of {@code docs/architecture.md}, in the
 * order of their first call, with the names of the methods. Loads ggml4j with a class loader that
 * adds a call to every method.
 *
 * <p>{@code java --enable-native-access=ALL-UNNAMED -cp CLASSES benchmarks/Walks.java}, with the
 * classes of bindings, java-api and trainer, their libraries, and the natives. Needs Java 24.
 */
public final class Walks {
  private static final String PACKAGE = "io.github.ggml4j.";

  /** The methods of each file, while a walk runs. */
  private static final Map<String, TreeSet<String>> FILES =
      Collections.synchronizedMap(new LinkedHashMap<>());

  private static volatile boolean walking;

  private Walks() {}

  /** Called at the start of every method of ggml4j. */
  public static void enter(String file, String method) {
    if (walking) {
      FILES.computeIfAbsent(file, _ -> new TreeSet<>()).add(method);
    }
  }

  /** Runs a walk and prints its files. */
  public static void print(String title, Runnable walk) {
    FILES.clear();
    walking = true;
    walk.run();
    walking = false;
    System.out.println(title + ": " + FILES.size() + " files");
    FILES.forEach((file, methods) -> System.out.println("  " + file + " " + methods));
  }

  /** The walks; loaded with the classes that they call. */
  public static final class Flows implements Runnable {
    @Override
    public void run() {
      try {
        Path folder = Files.createTempDirectory("walks");
        Path rows = Files.writeString(folder.resolve("rows.csv"), "text\n" + "a b c d\n".repeat(20));
        Path gguf = folder.resolve("model.gguf");
        Path huggingFace = folder.resolve("model");
        var config =
            Gpt2Config.builder().nLayer(2).nHead(2).nEmbd(32).nPositions(64).vocabSize(50_257);
        try (var model = Gpt2Model.random(config.build(), Device.cpu(1), 1);
            var bundled = TextGenerator.load("bundled", Device.cpu(1))) {
          var export = ModelExport.builder().tokenizer(bundled.tokenizer()).build();
          Models.save(model, gguf, export);
          Models.save(model, huggingFace, export);
        }
        print("File to device, folder", () -> Models.load(huggingFace, Device.cpu(1)).close());
        print("File to device, GGUF", () -> Models.load(gguf, Device.cpu(1)).close());
        try (var generator = TextGenerator.load(huggingFace)) {
          print(
              "Prompt to text",
              () -> generator.generate("Once upon", g -> g.maxNewTokens(8).doSample(true).topK(50)));
          print(
              "Row to update",
              () ->
                  Trainer.of(generator.model(), generator.tokenizer())
                      .batchSize(2)
                      .maxSteps(2)
                      .fit(Datasets.open(rows)));
        }
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  /** Loads ggml4j and {@link Flows}, with a call of {@link #enter} at the start of each method. */
  private static final class Loader extends ClassLoader {
    Loader() {
      super(Walks.class.getClassLoader());
    }

    @Override
    protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
      if (!name.startsWith(PACKAGE) && !name.equals(Flows.class.getName())) {
        return super.loadClass(name, resolve);
      }
      synchronized (getClassLoadingLock(name)) {
        var loaded = findLoadedClass(name);
        return loaded == null ? define(name) : loaded;
      }
    }

    private Class<?> define(String name) throws ClassNotFoundException {
      try (var in = getParent().getResourceAsStream(name.replace('.', '/') + ".class")) {
        if (in == null) {
          throw new ClassNotFoundException(name);
        }
        byte[] bytes = in.readAllBytes();
        boolean counts = name.startsWith(PACKAGE) && !name.contains(".ffi.");
        byte[] changed = counts ? withCalls(name, bytes) : bytes;
        return defineClass(name, changed, 0, changed.length);
      } catch (IOException e) {
        throw new ClassNotFoundException(name, e);
      }
    }

    private byte[] withCalls(String name, byte[] bytes) {
      String file = name.substring(PACKAGE.length()).replaceFirst("\\$.*", "");
      var resolver = ClassHierarchyResolver.ofResourceParsing(getParent());
      var classes = ClassFile.of(ClassFile.ClassHierarchyResolverOption.of(resolver));
      return classes.transformClass(
          classes.parse(bytes),
          (builder, element) -> {
            if (element instanceof MethodModel method && method.code().isPresent()) {
              String called = method.methodName().stringValue();
              builder.transformMethod(method, MethodTransform.transformingCode(call(file, called)));
            } else {
              builder.with(element);
            }
          });
    }

    private static CodeTransform call(String file, String method) {
      return new CodeTransform() {
        @Override
        public void atStart(CodeBuilder builder) {
          builder
              .ldc(file)
              .ldc(method)
              .invokestatic(
                  ClassDesc.of("Walks"),
                  "enter",
                  MethodTypeDesc.ofDescriptor("(Ljava/lang/String;Ljava/lang/String;)V"));
        }

        @Override
        public void accept(CodeBuilder builder, CodeElement element) {
          builder.with(element);
        }
      };
    }
  }

  /** Runs the walks. */
  public static void main(String[] args) throws ReflectiveOperationException {
    var flows = new Loader().loadClass(Flows.class.getName());
    ((Runnable) flows.getDeclaredConstructor().newInstance()).run();
  }
}
