package io.github.ggml4j.bindings;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The manifest that the build writes beside the natives: lines of {@code key=value} and, for every
 * library, {@code file=SHA-256 BYTES NAME}.
 *
 * @param text the whole text; its hash is part of the name of the folder with the unpacked natives
 * @param properties platform, llama.cpp release, kind of build
 * @param files the libraries
 */
record Manifest(String text, Map<String, String> properties, List<Entry> files) {
  static final String FILE_NAME = "manifest";

  /**
   * One library.
   *
   * @param name file name without folder
   * @param size bytes
   * @param sha256 hexadecimal, lower case
   */
  record Entry(String name, long size, String sha256) {}

  /**
   * @param origin where the text was read, for messages
   */
  static Manifest parse(String text, String origin) {
    Map<String, String> properties = new LinkedHashMap<>();
    List<Entry> files = new ArrayList<>();
    for (String line : text.lines().filter(line -> !line.isBlank()).toList()) {
      int equals = line.indexOf('=');
      if (equals < 0) {
        throw malformed(origin, line);
      }
      String key = line.substring(0, equals);
      String value = line.substring(equals + 1);
      if (key.equals("file")) {
        files.add(entry(value, origin, line));
      } else {
        properties.put(key, value);
      }
    }
    if (files.isEmpty() || !properties.containsKey("platform")) {
      throw new NativeLibraryException(
          origin + ": expected a platform and at least one file; build the natives again");
    }
    return new Manifest(text, Map.copyOf(properties), List.copyOf(files));
  }

  private static Entry entry(String value, String origin, String line) {
    String[] parts = value.split(" ", 3);
    if (parts.length != 3
        || !parts[0].matches("[0-9a-f]{64}")
        || !parts[1].matches("[0-9]{1,18}")
        || !parts[2].matches("[A-Za-z0-9_+-][A-Za-z0-9._+-]*")) {
      throw malformed(origin, line);
    }
    return new Entry(parts[2], Long.parseLong(parts[1]), parts[0]);
  }

  private static NativeLibraryException malformed(String origin, String line) {
    return new NativeLibraryException(
        "%s: cannot read the line \"%s\"; build the natives again".formatted(origin, line));
  }

  String platform() {
    return properties.getOrDefault("platform", "");
  }
}
