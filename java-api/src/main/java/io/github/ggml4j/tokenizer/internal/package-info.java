/** UTF-8 for tokenizer and generation. Not exported. */
@NullMarked
package io.github.ggml4j.tokenizer.internal;

import org.jspecify.annotations.NullMarked;
