/** The lab in Java. Each step is a class with a main method; {@link Lab} is the complete lab. */
@NullMarked
package io.github.ggml4j.examples;

import org.jspecify.annotations.NullMarked;
