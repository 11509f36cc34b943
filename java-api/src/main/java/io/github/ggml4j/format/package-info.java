/** What the readers and writers of model files have in common. */
@NullMarked
package io.github.ggml4j.format;

import org.jspecify.annotations.NullMarked;
