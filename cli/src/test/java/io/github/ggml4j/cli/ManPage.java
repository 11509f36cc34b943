package io.github.ggml4j.cli;

import static picocli.CommandLine.Model.UsageMessageSpec.SECTION_KEY_FOOTER;

import java.util.List;
import java.util.Objects;
import picocli.CommandLine;
import picocli.CommandLine.Help;
import picocli.CommandLine.Model.ArgSpec;

/** The manual page of the program and its commands, in the language of man(7). */
final class ManPage {
  private final StringBuilder text = new StringBuilder();

  private ManPage() {}

  static String of(CommandLine program) {
    var page = new ManPage();
    page.program(program);
    return page.text.toString();
  }

  private void program(CommandLine program) {
    var help = program.getCommandSpec().usageMessage();
    line(".\\\" Written by ReferenceTest from the commands: change them, not this file.");
    line(".TH GGML4J 1 \"\" \"\" \"User commands\"");
    line(".SH NAME");
    line("ggml4j \\- " + escape(help.description()[0].replaceFirst("^(.*)\\.$", "$1")));
    line(".SH SYNOPSIS");
    line(".B ggml4j");
    line("COMMAND [OPTIONS]");
    line(".SH DESCRIPTION");
    paragraphs(List.of(help.footer()).stream().dropWhile(String::isBlank).toList(), false);
    line(".SH COMMANDS");
    program.getSubcommands().values().forEach(this::command);
  }

  private void command(CommandLine command) {
    var spec = command.getCommandSpec();
    line(".SS " + escape(spec.qualifiedName().replaceFirst("^ggml4j ", "")));
    line(".B " + escape(new Help(spec, Help.Ansi.OFF).synopsis(0).strip().replaceAll("\\s+", " ")));
    line(".PP");
    for (var description : spec.usageMessage().description()) {
      line(escape(description));
    }
    spec.positionalParameters().forEach(p -> option(".I " + escape(p.paramLabel()), p));
    for (var option : spec.options()) {
      if (!option.hidden() && !option.usageHelp() && !option.versionHelp()) {
        var names = escape(String.join(", ", option.names()));
        var label = option.arity().max() == 0 ? "" : escape(" " + option.paramLabel());
        option(".BI \"" + names + "\" \"" + label + '"', option);
      }
    }
    var footer = Objects.requireNonNull(command.getHelpSectionMap().get(SECTION_KEY_FOOTER));
    paragraphs(footer.render(new Help(spec, Help.Ansi.OFF)).lines().toList(), true);
  }

  private void option(String head, ArgSpec option) {
    line(".TP");
    line(head);
    for (var description : option.description()) {
      line(escape(description));
    }
  }

  /** Text, and indented lines that stay as they are. */
  private void paragraphs(List<String> lines, boolean behindOthers) {
    boolean asIs = false;
    boolean between = behindOthers;
    for (var line : lines) {
      boolean indented = line.startsWith("  ");
      if (asIs && !indented) {
        line(".fi");
        line(".RE");
      }
      if (line.isBlank()) {
        between = true;
      } else {
        if (between) {
          line(".PP");
        }
        if (indented && !asIs) {
          line(".RS");
          line(".nf");
        }
        line(escape(indented ? line.substring(2) : line));
        between = false;
      }
      asIs = indented;
    }
    if (asIs) {
      line(".fi");
      line(".RE");
    }
  }

  private void line(String line) {
    text.append(line).append('\n');
  }

  private static String escape(String plain) {
    var escaped = plain.replace("\\", "\\e").replace("-", "\\-").replace("\"", "\\(dq");
    return escaped.startsWith(".") || escaped.startsWith("'") ? "\\&" + escaped : escaped;
  }
}
