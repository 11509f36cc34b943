package io.github.ggml4j;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.GeneralCodingRules.NO_CLASSES_SHOULD_ACCESS_STANDARD_STREAMS;
import static com.tngtech.archunit.library.GeneralCodingRules.NO_CLASSES_SHOULD_USE_JAVA_UTIL_LOGGING;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The direction of dependencies between the packages. */
class ArchitectureTest {
  private static final String ROOT = "io.github.ggml4j";
  private static final JavaClasses CLASSES =
      new ClassFileImporter().importPath(Path.of("target", "classes"));

  /** What every part may use: it uses none of them. */
  private static final String[] LEAVES = {
    ROOT + ".bindings..", ROOT + ".error..", ROOT + ".internal.."
  };

  /** A part is a package with its subpackages; it may use those named behind it, and itself. */
  @ParameterizedTest
  @CsvSource({
    "error,",
    "internal,",
    "tensor,",
    "tokenizer, format",
    "hub, format",
    "format, tensor",
    "nn, tensor",
    "model, nn format tensor",
    "inference, model nn tensor",
    "quantization, model nn format tensor",
    "io, quantization model format hub tokenizer tensor",
    "generation, inference model tokenizer tensor",
    "evaluation, io inference quantization model tokenizer tensor",
  })
  void partsDependDownwardsOnly(String part, String uses) {
    var allowed =
        Stream.concat(
                Stream.of(part), uses == null ? Stream.empty() : Stream.of(uses.split(" ", -1)))
            .map(name -> ROOT + "." + name + "..")
            .toArray(String[]::new);
    noClasses()
        .that()
        .resideInAPackage(ROOT + "." + part + "..")
        .should()
        .dependOnClassesThat(
            resideInAPackage(ROOT + "..")
                .and(not(resideInAnyPackage(allowed)))
                .and(not(resideInAnyPackage(LEAVES))))
        .allowEmptyShould(true)
        .check(CLASSES);
  }

  @Test
  void packagesHaveNoCycles() {
    slices().matching(ROOT + ".(**)").should().beFreeOfCycles().check(CLASSES);
  }

  @Test
  void fileFormatsKnowOnlyTheTypesOfTensors() {
    noClasses()
        .that()
        .resideInAPackage(ROOT + ".format..")
        .should()
        .dependOnClassesThat(
            resideInAPackage(ROOT + ".tensor..").and(not(JavaClass.Predicates.simpleName("DType"))))
        .check(CLASSES);
  }

  @Test
  void nativeFunctionsAreCalledFromTensorsOnly() {
    noClasses()
        .that()
        .resideOutsideOfPackage(ROOT + ".tensor..")
        .should()
        .dependOnClassesThat()
        .resideInAPackage(ROOT + ".bindings.ffi..")
        .check(CLASSES);
  }

  @Test
  void librariesStayOutOfThePublicApi() {
    assertThat(
            CLASSES.stream()
                .filter(ArchitectureTest::isPublic)
                .flatMap(ArchitectureTest::signatures))
        .allSatisfy(type -> assertThat(type.getPackageName()).doesNotStartWith("tools.jackson"));
  }

  private static boolean isPublic(JavaClass type) {
    return type.getModifiers().contains(JavaModifier.PUBLIC)
        && !type.getPackageName().contains(".internal");
  }

  private static Stream<JavaClass> signatures(JavaClass type) {
    return type.getCodeUnits().stream()
        .filter(unit ->
            unit.getModifiers().contains(JavaModifier.PUBLIC)
                || unit.getModifiers().contains(JavaModifier.PROTECTED))
        .flatMap(unit ->
            Stream.concat(
                Stream.of(unit.getRawReturnType()), unit.getRawParameterTypes().stream()));
  }

  @Test
  void nothingIsPrinted() {
    NO_CLASSES_SHOULD_ACCESS_STANDARD_STREAMS.check(CLASSES);
    NO_CLASSES_SHOULD_USE_JAVA_UTIL_LOGGING.check(CLASSES);
  }
}
