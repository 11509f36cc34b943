package io.github.ggml4j.trainer;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.GeneralCodingRules.NO_CLASSES_SHOULD_ACCESS_STANDARD_STREAMS;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The direction of dependencies between the packages. */
class ArchitectureTest {
  private static final String ROOT = "io.github.ggml4j.trainer";
  private static final JavaClasses CLASSES =
      new ClassFileImporter().importPath(Path.of("target", "classes"));

  @Test
  void packagesHaveNoCycles() {
    slices().matching(ROOT + ".(**)").should().beFreeOfCycles().check(CLASSES);
  }

  @ParameterizedTest
  @ValueSource(strings = {"data", "internal", "optim", "schedule"})
  void packagesDoNotDependOnTheTrainer(String name) {
    noClasses()
        .that()
        .resideInAPackage(ROOT + "." + name + "..")
        .should()
        .dependOnClassesThat()
        .resideInAPackage(ROOT)
        .allowEmptyShould(true)
        .check(CLASSES);
  }

  @Test
  void nativeFunctionsAreNotCalled() {
    noClasses()
        .should()
        .dependOnClassesThat()
        .resideInAPackage("io.github.ggml4j.bindings.ffi..")
        .check(CLASSES);
  }

  @Test
  void standardStreamsAreNotUsed() {
    NO_CLASSES_SHOULD_ACCESS_STANDARD_STREAMS.check(CLASSES);
    // Only ParquetRows uses java.util.logging, to set the log level of the Parquet library.
    noClasses()
        .that()
        .doNotHaveSimpleName("ParquetRows")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("java.util.logging..")
        .check(CLASSES);
  }
}
