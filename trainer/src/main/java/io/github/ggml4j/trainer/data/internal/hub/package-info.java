/** The files of a dataset's repository: its card, its configs and its splits. */
@NullMarked
package io.github.ggml4j.trainer.data.internal.hub;

import org.jspecify.annotations.NullMarked;
