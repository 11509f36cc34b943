package io.github.ggml4j.cli;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * Declares which parameters of the library an option sets if their names differ. Errors about these
 * parameters are shown with the option's name.
 */
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.FIELD)
@interface SetsParameter {
  /** Names as in Java: {@code saveTo}. */
  String[] value();
}
