package io.github.ggml4j.cli;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * Names the parameters of the library that an option sets, where the option has another name. An
 * error that names one of them is then shown with the option's name.
 */
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.FIELD)
@interface Sets {
  /** Names as in Java: {@code saveTo}. */
  String[] value();
}
