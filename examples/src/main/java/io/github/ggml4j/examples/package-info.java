/** The lab in Java: each class is a step and runs by itself; {@link Lab} is all of it. */
@NullMarked
package io.github.ggml4j.examples;

import org.jspecify.annotations.NullMarked;
