package io.github.ggml4j.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.ggml4j.tensor.internal.HostBuffers;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/** The free memory of the CPU. */
class HostMemoryTest {
  private static final long MIB = 1 << 20;

  @Test
  @DisabledOnOs(value = OS.WINDOWS, disabledReason = "counts memory when it is allocated")
  void allocatedMemoryCountsBeforeItIsWritten() {
    try (var device = Device.cpu(1)) {
      long before = HostBuffers.untouchedBytes();
      try (var store = new TensorStore(device, "a test", 1)) {
        store.add(DType.F32, 64 * MIB);
        store.allocate();
        assertThat(HostBuffers.untouchedBytes() - before).isBetween(250 * MIB, 257 * MIB);
        store.zero();
        assertThat(HostBuffers.untouchedBytes() - before).isLessThan(MIB);
      }
      assertThat(HostBuffers.untouchedBytes()).isEqualTo(before);
    }
  }

  @Test
  void memoryOfGraphsCounts() {
    try (var device = Device.cpu(1);
        var graph = Graph.forward(device, 16)) {
      long before = HostBuffers.untouchedBytes();
      var x = graph.input(DType.F32, 16 * MIB); // larger than what malloc reuses
      graph.output(graph.scale(x, 2, 1));
      graph.build();
      assumeTrue(HostBuffers.untouchedBytes() > before, "the system promises no memory");
      assertThat(HostBuffers.untouchedBytes() - before).isBetween(126 * MIB, 130 * MIB);
      x.zero();
      graph.compute();
      assertThat(HostBuffers.untouchedBytes() - before).isLessThan(MIB);
      graph.close();
      assertThat(HostBuffers.untouchedBytes()).isLessThanOrEqualTo(before);
    }
  }

  @Test
  @EnabledOnOs(value = OS.LINUX, disabledReason = "promises any amount of memory there")
  void allocationOfMoreThanTheFreeMemoryFails() {
    try (var device = Device.cpu(1);
        var store = new TensorStore(device, "far too much", 1)) {
      long free = device.freeMemory();
      store.add(DType.F32, free / 4 + 512 * MIB);
      assertThatThrownBy(store::allocate)
          .isInstanceOf(OutOfDeviceMemoryException.class)
          .hasMessageContaining("far too much")
          .hasMessageContaining("are free");
    }
    try (var device = Device.cpu(1);
        var graph = Graph.forward(device, 16)) {
      long side = (long) Math.sqrt(device.freeMemory() / 4.0 + 512 * MIB);
      var x = graph.input(DType.F32, 1, side);
      graph.output(graph.outProd(x, x));
      assertThatThrownBy(graph::build).isInstanceOf(OutOfDeviceMemoryException.class);
    }
  }

  @Test
  void deviceListHasTheSameFreeMemory() {
    var cpu =
        Device.list().stream()
            .filter(info -> info.kind() == DeviceInfo.Kind.CPU)
            .findFirst()
            .orElseThrow();
    assertThat(cpu.freeMemory()).isPositive().isLessThan(cpu.totalMemory());
    try (var device = Device.cpu(1)) {
      assertThat((double) device.freeMemory() / cpu.freeMemory()).isBetween(0.5, 2.0);
    }
  }
}
