/** Model files of llm.c: a header of 256 numbers and the weights, mapped into memory. */
@NullMarked
package io.github.ggml4j.format.llmc;

import org.jspecify.annotations.NullMarked;
