package io.github.ggml4j.trainer.internal.ops;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.ggml4j.tensor.Device;
import io.github.ggml4j.tensor.DeviceInfo;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * {@code docs/ops.md} is what the graphs say. With {@code -Dggml4j.ops.write=true} it is written
 * anew; the column of CUDA stays as it is where there is no such device to ask.
 */
class OpTableTest {
  private static final Path FILE = Path.of("../docs/ops.md");
  private static final String FIRST_ROW = "| --- ";
  private static final String UNKNOWN = "not asked";

  @Test
  @Timeout(120)
  void theCommittedTableIsWhatGraphsUse() throws IOException {
    var devices = Device.list();
    var table = OpTable.record(devices);
    var committed = Files.exists(FILE) ? Files.readString(FILE) : "";
    var text = markdown(table, devices, cudaColumn(committed));
    if (Boolean.getBoolean("ggml4j.ops.write")) {
      Files.writeString(FILE, text);
    }
    assertThat(Files.readString(FILE))
        .as("docs/ops.md; write it again with -Dggml4j.ops.write=true")
        .isEqualTo(text)
        .doesNotContain(UNKNOWN);
  }

  @Test
  void theCpuComputesAll() {
    var devices = Device.list();
    assertThat(OpTable.record(devices).missingOn("cpu")).isEmpty();
  }

  private static String markdown(
      OpTable table, List<DeviceInfo> devices, Map<String, String> known) {
    var cuda = devices.stream().map(DeviceInfo::name).filter(n -> n.startsWith("cuda")).findFirst();
    var text = new StringBuilder(head(table.names()));
    table
        .uses()
        .forEach((op, use) -> {
          var row = "| " + op.name() + " | " + op.types() + " |";
          var onCuda =
              cuda.map(name -> yesOrNo(use, name))
                  .orElseGet(() -> known.getOrDefault(row, UNKNOWN));
          text.append(row)
              .append(' ')
              .append(use.phases().stream().map(Object::toString).collect(Collectors.joining(", ")))
              .append(" | ")
              .append(yesOrNo(use, "cpu"))
              .append(" | ")
              .append(onCuda)
              .append(" |\n");
        });
    return text.toString();
  }

  private static String yesOrNo(OpTable.Use use, String device) {
    return use.missingOn().contains(device) ? "no" : "yes";
  }

  private static String head(int names) {
    return """
    # Ops

    The %d ops of ggml that GPT-2 is composed of on devices without kernels of ggml4j's own, by the types of their
    inputs and results, where they are used, and whether the device's backend says that it computes them. Views are
    left out: they compute nothing. The table is made by a test (`OpTableTest`) from the graphs of small models; `ggml4j
    devices --ops` asks the devices of a machine the same.

    A weight of a type that a device cannot compute is an error when the model is loaded, any other op when its graph
    is built; nothing falls back to another device. On the GPU, rows of IQ4_NL and MXFP4 can be looked up where
    `n_embd` is a multiple of 256. Dropout is a kernel of ggml4j's own on CUDA as on the CPU; where there is none, it
    is a product (MUL) with a mask that the host draws.

    | Op | Types | Used for | CPU | CUDA |
    | --- | --- | --- | --- | --- |
    """
        .formatted(names);
  }

  private static Map<String, String> cudaColumn(String committed) {
    var known = new LinkedHashMap<String, String>();
    committed
        .lines()
        .filter(line -> line.startsWith("| ") && !line.startsWith(FIRST_ROW))
        .forEach(line -> {
          var cells = line.split("\\|", -1);
          known.put("|" + cells[1] + "|" + cells[2] + "|", cells[5].strip());
        });
    return known;
  }
}
