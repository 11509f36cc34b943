/** Folders from which an interrupted training resumes. */
@NullMarked
package io.github.ggml4j.trainer.internal.checkpoint;

import org.jspecify.annotations.NullMarked;
