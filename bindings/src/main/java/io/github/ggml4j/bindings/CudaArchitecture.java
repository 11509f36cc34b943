package io.github.ggml4j.bindings;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * An architecture that the natives were built for, as CMake writes it: {@code 90-real} is machine
 * code for compute capability 9.0, {@code 80-virtual} code that the driver translates, {@code 90}
 * both. With a letter after the number, the code runs on this architecture only.
 *
 * @param number ten times the compute capability
 * @param exact whether it runs on this architecture only
 * @param virtual whether it contains code that the driver translates
 */
record CudaArchitecture(int number, boolean exact, boolean virtual) {
  private static final Pattern FORM = Pattern.compile("([0-9]{2,3})([af]?)(-real|-virtual)?");

  /** Parses a list with commas or semicolons; ignores entries that are not architectures. */
  static List<CudaArchitecture> parse(String list) {
    List<CudaArchitecture> result = new ArrayList<>();
    for (String item : list.split("[,;]")) {
      Matcher matcher = FORM.matcher(item.strip());
      if (matcher.matches()) {
        String kind = matcher.group(3);
        result.add(
            new CudaArchitecture(
                Integer.parseInt(matcher.group(1)),
                !matcher.group(2).isEmpty(),
                !"-real".equals(kind)));
      }
    }
    return List.copyOf(result);
  }

  /**
   * Whether a GPU runs it: machine code needs the same major and an equal or higher minor compute
   * capability, code that the driver translates an equal or higher compute capability.
   */
  boolean runsOn(int major, int minor) {
    int gpu = 10 * major + minor;
    if (exact) {
      return gpu == number;
    }
    return gpu >= number && (virtual || gpu / 10 == number / 10);
  }

  /** Compute capabilities for a message, such as {@code 8.6, 9.0 and newer}. */
  static String describe(List<CudaArchitecture> architectures) {
    return architectures.stream()
        .map(built ->
            built.number / 10
                + "."
                + built.number % 10
                + (built.virtual && !built.exact ? " and newer" : ""))
        .distinct()
        .collect(Collectors.joining(", "));
  }
}
