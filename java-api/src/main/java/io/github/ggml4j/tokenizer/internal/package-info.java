/** What tokenizer and generation share; for this library only. */
@NullMarked
package io.github.ggml4j.tokenizer.internal;

import org.jspecify.annotations.NullMarked;
