/** Finds, opens, decompresses and decodes files. Independent of rows. */
@NullMarked
package io.github.ggml4j.trainer.data.internal.files;

import org.jspecify.annotations.NullMarked;
