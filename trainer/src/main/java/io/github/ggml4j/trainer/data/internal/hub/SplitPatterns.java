package io.github.ggml4j.trainer.data.internal.hub;

import io.github.ggml4j.trainer.data.internal.files.Glob;
import io.github.ggml4j.trainer.data.internal.rows.FileFormat;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Determines the split of a file from its name, by the rules of <a
 * href="https://huggingface.co/docs/hub/datasets-file-names-and-splits">datasets</a>.
 */
final class SplitPatterns {

  private static final Pattern SHARDED =
      Pattern.compile("data/([^/]+)-[0-9]{5}-of-[0-9]{5}[^/]*\\.[^/]*");

  private static final Map<String, List<String>> KEYWORDS = keywords();

  /** Separates a keyword from the rest of a name. */
  private static final String SEPARATOR = "[-._ 0-9]";

  private static final List<String> IN_FOLDERS =
      List.of(
          "**/{keyword}/**",
          "**/{keyword}{sep}*/**",
          "**/*{sep}{keyword}/**",
          "**/*{sep}{keyword}{sep}*/**");

  private static final List<String> IN_FILES =
      List.of("**/{keyword}{sep}*", "**/*{sep}{keyword}{sep}*");

  private static final Set<String> IGNORED =
      Set.of(
          "README.md",
          "config.json",
          "dataset_info.json",
          "dataset_infos.json",
          "dummy_data.zip",
          "dataset_dict.json");

  private SplitPatterns() {}

  private static Map<String, List<String>> keywords() {
    Map<String, List<String>> keywords = new LinkedHashMap<>();
    keywords.put("train", List.of("train", "training"));
    keywords.put("validation", List.of("validation", "valid", "dev", "val"));
    keywords.put("test", List.of("test", "testing", "eval", "evaluation"));
    return keywords;
  }

  /** The files of each split, sorted. Splits without files are omitted. */
  static Map<String, List<String>> bySplit(Collection<String> paths) {
    Map<String, List<String>> sharded = sharded(paths);
    if (!sharded.isEmpty()) {
      return sharded;
    }
    for (List<String> patterns : List.of(IN_FOLDERS, IN_FILES)) {
      Map<String, List<String>> found = new LinkedHashMap<>();
      KEYWORDS.forEach((split, keywords) -> {
        List<String> globs = new ArrayList<>();
        for (String keyword : keywords) {
          for (String pattern : patterns) {
            globs.add(pattern.replace("{keyword}", keyword).replace("{sep}", SEPARATOR));
          }
        }
        List<String> files = matching(paths, globs);
        if (!files.isEmpty()) {
          found.put(split, files);
        }
      });
      if (!found.isEmpty()) {
        return found;
      }
    }
    List<String> all = matching(paths, List.of("**"));
    return all.isEmpty() ? Map.of() : Map.of("train", all);
  }

  private static Map<String, List<String>> sharded(Collection<String> paths) {
    Map<String, List<String>> found = new LinkedHashMap<>();
    KEYWORDS.keySet().forEach(split -> found.put(split, new ArrayList<>()));
    for (String path : new TreeSet<>(paths)) {
      Matcher matcher = SHARDED.matcher(path);
      if (matcher.matches() && FileFormat.ofName(path).isPresent()) {
        found.computeIfAbsent(matcher.group(1), _ -> new ArrayList<>()).add(path);
      }
    }
    found.values().removeIf(List::isEmpty);
    return found;
  }

  /** The data files that match the globs, ordered by glob, then by path. */
  static List<String> matching(Collection<String> paths, List<String> globs) {
    Set<String> found = new LinkedHashSet<>();
    Set<String> sorted = new TreeSet<>(paths);
    for (String pattern : globs) {
      Glob glob = Glob.ofPath(pattern);
      for (String path : sorted) {
        String name = path.substring(path.lastIndexOf('/') + 1);
        boolean hidden = ("/" + path).contains("/__") && !pattern.contains("__");
        if (glob.matches(path)
            && !hidden
            && !IGNORED.contains(name)
            && FileFormat.ofName(name).isPresent()) {
          found.add(path);
        }
      }
    }
    return List.copyOf(found);
  }
}
