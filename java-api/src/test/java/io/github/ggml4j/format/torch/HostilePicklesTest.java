package io.github.ggml4j.format.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.ggml4j.format.ModelFormatException;
import io.github.ggml4j.tensor.DType;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What pickles may ask for, written instruction by instruction. */
class HostilePicklesTest {
  /** {@code {'a': <tensor>}} of a storage of six floats, with the given shape and strides. */
  private static final String TENSOR =
      "}X\1\0\0\0actorch._utils\n_rebuild_tensor_v2\n("
          + "(X\7\0\0\0storagectorch\nFloatStorage\nX\1\0\0\0000X\3\0\0\0cpuK\6NtQ"
          + "K%s\t%s\t%s\t\u0089ccollections\nOrderedDict\n)RtRs.";

  @ParameterizedTest
  @CsvSource({
    "cos\\nsystem\\n, os.system",
    "cposix\\nsystem\\n, posix.system",
    "cbuiltins\\neval\\n, builtins.eval",
    "ctorch\\nload\\n, torch.load",
    "ctorch.storage\\n_load_from_bytes\\n, _load_from_bytes",
    "X\\2\\0\\0\\0osX\\6\\0\\0\\0system\\x93, os.system",
    "(ios\\nsystem\\n, os.system",
    "ccollections\\nOrderedDict\\n)\\x81, object of a class",
    "(ccollections\\nOrderedDict\\no, object of a class",
    "\\x82\\1, registered extension",
    "ctorch\\nFloatStorage\\n)R, torch.FloatStorage",
    "ccollections\\nOrderedDict\\n}b, the state of",
  })
  void whatIsNoTensorIsRefusedByName(String instructions, String named) {
    assertThatThrownBy(() -> read(unescape(instructions) + "."))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining(named)
        .hasMessageContaining("only tensors");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        ".",
        "0.",
        "N",
        "(N.",
        "NN.",
        "h\\5.",
        "t.",
        "Na.",
        "}Ns.",
        "](Ku.",
        "}(NNu.",
        "}(}}u.",
        "\\x8b\\xff\\xff\\xff\\xff.",
        "\\x8b\\xff\\xff\\xff\\x7f.",
        "X\\xff\\xff\\xff\\xffa.",
        "\\x8d\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff.",
        "\\x80\\x09N.",
        "NR.",
        "NQ.",
        ")Q.",
        "(X\\7\\0\\0\\0storageNNNNtQ.",
        "I1\\n.",
        "S'a'\\n.",
        "\\xff.",
        "ca\\x01",
        "T\\xff\\xff\\xff\\xff"
      })
  void nonsenseIsAnError(String instructions) {
    assertThatThrownBy(() -> read(unescape(instructions))).isInstanceOf(ModelFormatException.class);
  }

  @Test
  void sharedAndCircularValuesDoNoHarm() {
    assertThat(read("}q\0X\1\0\0\0ah\0s.")).isZero(); // a dictionary that holds itself
    assertThat(read("}X\1\0\0\0a]q\1h\1as.")).isZero(); // a list that does
    assertThat(read("}X\1\0\0\0a\u0088s\u008a\1\0050.")).isZero();
  }

  @Test
  void noPickleMakesMoreThanItsInstructions() {
    assertThatThrownBy(() -> read("(".repeat(3_000_000))).hasMessageContaining("marks");
    assertThatThrownBy(() -> read("N".repeat(3_000_000))).hasMessageContaining("values");
    assertThatThrownBy(() -> read("]0".repeat(3_000_000))).hasMessageContaining("instructions");
    // a list of many pairs, made a dictionary again and again
    String pair = "K\1K\1\u0086";
    String many = "](" + pair.repeat(50_000) + "eq\0000";
    String again = "ccollections\nOrderedDict\nh\0\u0085R0";
    assertThatThrownBy(() -> read(many + again.repeat(1000))).hasMessageContaining("instructions");
  }

  @Test
  void viewsWithinTheirStorageAreRead() {
    assertThat(read(tensor("\0", "K\2K\3\u0086", "K\3K\1\u0086"))).isEqualTo(24);
    assertThat(read(tensor("\0", "K\3K\2\u0086", "K\1K\3\u0086"))).isEqualTo(24); // transposed
    assertThat(read(tensor("\2", "K\2\u0085", "K\3\u0085"))).isEqualTo(8);
    assertThat(read(tensor("\0", ")", ")"))).isEqualTo(4);
    assertThat(read(tensor("\7", "K\0\u0085", "K\1\u0085"))).isZero();
  }

  @ParameterizedTest
  @CsvSource({
    "\\0, K\\2K\\4\\x86, K\\4K\\1\\x86", // larger than the storage
    "\\1, K\\2K\\3\\x86, K\\3K\\1\\x86", // begins too late
    "\\0, J\\0\\0\\0\\x40K\\1\\x86, K\\0K\\1\\x86", // repeats itself 2^30 times
    "\\0, \\x8a\\x08\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\x7fK\\4\\x86, K\\1K\\1\\x86",
    "\\0, J\\xff\\xff\\xff\\xff\\x85, K\\1\\x85", // -1
    "\\0, K\\2\\x85, K\\1K\\1\\x86",
    "\\0, N, N",
  })
  void viewsBeyondTheirStorageAreRefused(String offset, String shape, String stride) {
    assertThatThrownBy(() -> read(tensor(unescape(offset), unescape(shape), unescape(stride))))
        .isInstanceOf(ModelFormatException.class);
  }

  private static String tensor(String offset, String shape, String stride) {
    return TENSOR
        .replaceFirst("%s\t", java.util.regex.Matcher.quoteReplacement(offset))
        .replaceFirst("%s\t", java.util.regex.Matcher.quoteReplacement(shape))
        .replaceFirst("%s\t", java.util.regex.Matcher.quoteReplacement(stride));
  }

  /** Reads a file of the form before PyTorch 1.6; gives the bytes of all its tensors. */
  private static long read(String instructions) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(latin("\u0080\2\u008a\nl\u00fc\u009cF\u00f9 j\u00a8P\u0019.\u0080\2M\u00e9\3."));
    out.writeBytes(latin("}X\r\0\0\0little_endian\u0088s."));
    out.writeBytes(latin(instructions));
    boolean tensor = instructions.contains("FloatStorage\nX");
    out.writeBytes(latin(tensor ? "]X\1\0\0\0000a." : "]."));
    if (tensor) {
      out.writeBytes(ByteBuffer.allocate(32).order(ByteOrder.LITTLE_ENDIAN).putLong(0, 6).array());
    }
    MemorySegment bytes = MemorySegment.ofArray(out.toByteArray());
    try (TorchFile file = TorchFile.of(bytes, "file")) {
      assertThat(file.tensors().values()).allMatch(t -> t.dtype() == DType.F32);
      return file.tensors().keySet().stream().mapToLong(name -> file.data(name).byteSize()).sum();
    }
  }

  private static byte[] latin(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }

  /** Escapes as Python has them: {@code \n}, {@code \x81}, {@code \0} to {@code \7}. */
  private static String unescape(String text) {
    StringBuilder out = new StringBuilder();
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c != '\\') {
        out.append(c);
        continue;
      }
      char kind = text.charAt(++i);
      switch (kind) {
        case 'n' -> out.append('\n');
        case 'x' -> {
          out.append((char) Integer.parseInt(text, i + 1, i + 3, 16));
          i += 2;
        }
        default -> out.append((char) (kind - '0'));
      }
    }
    return out.toString();
  }
}
